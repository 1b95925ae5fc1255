// Upstreams that are dead, slow, or lie.

#include <catch2/catch.hpp>
#include <set>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

// An address where nobody listens: its authority is gone.
Endpoint DeadEndpoint() { return Authority().endpoint(); }

Reply AskOnce(Daemon& daemon) {
  return Ask(daemon.OpenSession(Texts{kExampleRule}).nameserver, kExampleName);
}

TEST_CASE("An upstream that truncates is asked again over TCP") {
  Authority authority(kExampleRecords);
  authority.On(kExampleName, Truncate());
  Daemon daemon(authority.endpoint());
  CHECK(AskOnce(daemon).data() == Texts{"192.0.2.7"});
  REQUIRE(authority.Count(kExampleName) == 2);
  CHECK(authority.seen()[1].tcp);
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 1);
}

TEST_CASE("A dead upstream is passed over for the next") {
  const Authority authority(kExampleRecords);
  Daemon daemon(DaemonOptions{{DeadEndpoint(), authority.endpoint()}, "", {}});
  CHECK(AskOnce(daemon).data() == Texts{"192.0.2.7"});
  CHECK(daemon.Rows("SELECT rcode, reason FROM queries") == Texts{"NOERROR|rule"});
}

TEST_CASE("A silent upstream is passed over for the next") {
  Authority silent(kExampleRecords);
  silent.On(kExampleName, Silence());
  const Authority authority(kExampleRecords);
  Daemon daemon(DaemonOptions{{silent.endpoint(), authority.endpoint()}, "", {}});
  CHECK(AskOnce(daemon).data() == Texts{"192.0.2.7"});
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 1);
}

TEST_CASE("An upstream that fails or refuses is passed over for the next") {
  for (const ldns_pkt_rcode rcode : {LDNS_RCODE_SERVFAIL, LDNS_RCODE_REFUSED}) {
    Authority failing(kExampleRecords);
    failing.On(kExampleName, Rcode(rcode));
    const Authority authority(kExampleRecords);
    Daemon daemon(DaemonOptions{{failing.endpoint(), authority.endpoint()}, "", {}});
    CHECK(AskOnce(daemon).data() == Texts{"192.0.2.7"});
  }
}

TEST_CASE("With every upstream dead or silent the client gets SERVFAIL, EDE, and there is a row") {
  Authority silent(kExampleRecords);
  silent.On(kExampleName, Silence());
  Daemon daemon(DaemonOptions{{silent.endpoint()}, "", {}});
  const Reply reply = AskOnce(daemon);
  CHECK(reply.rcode == "SERVFAIL");
  CHECK(reply.ede == 22);
  CHECK(daemon.Rows("SELECT verdict, reason, rcode, ede FROM queries") ==
        Texts{"allow|upstream-timeout|SERVFAIL|22"});
}

TEST_CASE("With no upstream to be reached the client hears of it at once") {
  Daemon daemon(DaemonOptions{{DeadEndpoint()}, "", {}});
  const Reply reply = AskOnce(daemon);
  CHECK(reply.rcode == "SERVFAIL");
  CHECK((reply.ede == 22 || reply.ede == 23));
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE rcode = 'SERVFAIL'") == 1);
}

TEST_CASE("An upstream that refuses everything gives SERVFAIL with EDE 22") {
  Authority authority(kExampleRecords);
  authority.On(kExampleName, Rcode(LDNS_RCODE_REFUSED));
  Daemon daemon(authority.endpoint());
  const Reply reply = AskOnce(daemon);
  CHECK(reply.rcode == "SERVFAIL");
  CHECK(reply.ede == 22);
  CHECK(daemon.Rows("SELECT reason FROM queries") == Texts{"upstream-refused"});
}

TEST_CASE("Replies that do not match the query are waited out, and the right one is taken") {
  const std::vector<std::pair<std::string, Behaviour>> lies = {
      {"wrong ID", WrongId()},     {"wrong question", WrongQuestion()},
      {"wrong case", WrongCase()}, {"not a message", Raw({0, 0, 1, 2, 3})},
      {"empty", Raw({})},
  };
  for (const auto& [what, lie] : lies) {
    INFO(what);
    Authority authority(kExampleRecords);
    authority.On(kExampleName, First(lie));
    Daemon daemon(authority.endpoint());
    CHECK(AskOnce(daemon).data() == Texts{"192.0.2.7"});
    CHECK(daemon.Number("SELECT count(*) FROM queries") == 1);
  }
}

TEST_CASE("An upstream that folds the case of every name is asked over TCP, and believed there") {
  Authority authority(kExampleRecords);
  authority.On(kExampleName, WrongCase());
  Daemon daemon(authority.endpoint());
  // In one draw of 2048 the letters are all lower-case as they are.
  CHECK(AskOnce(daemon).data() == Texts{"192.0.2.7"});
  const auto seen = authority.seen();
  const bool drawn_lower = seen.size() == 1;
  CHECK((drawn_lower || (seen.size() == 2 && seen[1].tcp)));
  const auto status = daemon.control().Call({{"command", "status"}});
  REQUIRE(status);
  CHECK(status.value()["status"]["upstreams"][0]["wrong_replies"] == (drawn_lower ? 0 : 1));
  CHECK(daemon.Rows("SELECT rcode, reason FROM queries") == Texts{"NOERROR|rule"});
}

TEST_CASE("Nothing that answers another query is ever taken") {
  for (const Behaviour& lie : {WrongId(), WrongQuestion()}) {
    Authority authority(kExampleRecords);
    authority.On(kExampleName, lie);
    Daemon daemon(authority.endpoint());
    const Reply reply = AskOnce(daemon);
    CHECK(reply.rcode == "SERVFAIL");
    CHECK(reply.answers.empty());
    CHECK(daemon.Number("SELECT count(*) FROM queries WHERE answer_id IS NULL") == 1);
  }
}

TEST_CASE("An answer that comes too late is not taken for anything") {
  Authority authority(kExampleRecords);
  authority.Hold(kExampleName);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  CHECK(Ask(session.nameserver, kExampleName).rcode == "SERVFAIL");
  authority.Release(kExampleName);
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 1);
  CHECK(Ask(session.nameserver, "b.example.org").rcode == "NXDOMAIN");  // and it still serves
}

TEST_CASE("Queries to the upstream differ in ID, in port, and in the case of their letters") {
  std::string records;
  for (int i = 0; i < 20; ++i) {
    records += "host" + std::to_string(i) + ".example.org. 60 IN A 192.0.2.7\n";
  }
  const Authority authority(records);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{"*.example.org:443"});
  for (int i = 0; i < 20; ++i) {
    CHECK(Ask(session.nameserver, "host" + std::to_string(i) + ".example.org").answers.size() == 1);
  }
  std::set<uint16_t> ports;
  std::set<Bytes> ids;
  std::set<Bytes> suffixes;
  for (const SeenQuery& query : authority.seen()) {
    ports.insert(query.client_port);
    ids.insert(Bytes(query.raw.begin(), query.raw.begin() + 2));
    const auto name_end = query.raw.begin() + 12 + 1 + static_cast<std::ptrdiff_t>(query.raw[12]);
    suffixes.insert(Bytes(name_end, name_end + 13));  // "\x07example\x03org\0"
  }
  CHECK(ports.size() >= 18);
  CHECK(ids.size() >= 18);
  CHECK(suffixes.size() >= 10);
}

TEST_CASE("Upstreams of the configuration are used, and the command line goes first") {
  const Authority configured(kExampleRecords);
  const Authority named("a.example.org. 60 IN A 192.0.2.99");
  const std::string config = "upstream = [\"" + configured.endpoint().ToText() + "\"]\n";
  Daemon by_config(DaemonOptions{{}, config, {}});
  CHECK(AskOnce(by_config).data() == Texts{"192.0.2.7"});
  Daemon by_option(DaemonOptions{{named.endpoint()}, config, {}});
  CHECK(AskOnce(by_option).data() == Texts{"192.0.2.99"});
}

}  // namespace
}  // namespace namegate::testing
