// What one session may ask, what the operator forbids, and which types a rule may open.

#include <catch2/catch.hpp>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Catch::Contains;
using Texts = std::vector<std::string>;

constexpr char kZone[] =
    "a.example.org. 60 IN A 198.51.100.7\n"
    "b.example.org. 60 IN A 198.51.100.8\n"
    "c.example.org. 60 IN A 198.51.100.9\n"
    "example.org. 60 IN TXT \"hello\"\n"
    "example.org. 60 IN MX 10 mail.example.org.\n"
    "_imap._tcp.example.org. 60 IN SRV 0 1 993 mail.example.org.\n"
    "www.example.org. 60 IN CNAME ads.example.net.\n"
    "ads.example.net. 60 IN A 198.51.100.66\n";

DaemonOptions Configured(const Authority& authority, const std::string& config) {
  return {{authority.endpoint()}, config, {}, {}};
}

TEST_CASE("Below a wildcard a session may ask for so many names, then it is denied with one row") {
  const Authority authority(kZone);
  Daemon daemon(Configured(authority, "wildcard_names = 2\n"));
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  CHECK(Ask(session.nameserver, "b.example.org").rcode == "NOERROR");
  const UdpClient client(session.nameserver);
  for (uint16_t id = 1; id <= 5; ++id) {
    client.Send(MakeQuery("x" + std::to_string(id) + ".example.org", "A",
                          {.id = id, .udp_payload = 1232, .dns_class = "IN"}));
  }
  for (int i = 0; i < 5; ++i) {
    const auto reply = client.Receive();
    REQUIRE(reply);
    CHECK(reply->rcode == "NXDOMAIN");
    CHECK(reply->ede == 15);
    CHECK_THAT(reply->ede_text, Contains("too many names below *.example.org:443"));
  }
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  CHECK(authority.seen().size() == 2);
  CHECK(daemon.Number("SELECT sum(count) FROM queries WHERE reason = 'tunnel-budget'") == 5);
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'tunnel-budget'") < 5);
}

TEST_CASE("A name that is allowed outright costs no budget") {
  const Authority authority(kZone);
  Daemon daemon(Configured(authority, "wildcard_names = 1\n"));
  const TestSession session =
      daemon.OpenSession({"*.example.org:443", "b.example.org:443", "c.example.org:443"});
  for (const char* name : {"b.example.org", "c.example.org", "a.example.org"}) {
    CHECK(Ask(session.nameserver, name).rcode == "NOERROR");
  }
}

TEST_CASE("A session that floods is slowed alone, and its flood is a few rows") {
  const Authority authority(kZone);
  Daemon daemon(Configured(authority, "session_queries_per_s = 50\n"));
  const TestSession greedy = daemon.OpenSession({"a.example.org:443"});
  const TestSession other = daemon.OpenSession({"a.example.org:443"});
  const UdpClient flood(greedy.nameserver);
  for (int i = 0; i < 2'000; ++i) flood.Send(MakeQuery("a.example.org", "A"));
  CHECK(Ask(other.nameserver, "a.example.org").rcode == "NOERROR");
  REQUIRE(daemon.WaitForStatus("in_flight", 0));
  CHECK(daemon.Stop().status == 0);
  const std::string of_greedy = " FROM queries WHERE session = " + std::to_string(greedy.id);
  // UDP may lose some of the flood before the daemon sees it; what it saw is counted.
  CHECK(daemon.Number("SELECT sum(count)" + of_greedy) >= 500);
  CHECK(daemon.Number("SELECT count(*)" + of_greedy) < 400);
  CHECK(daemon.Number("SELECT count(*)" + of_greedy + " AND reason = 'overloaded'") >= 1);
}

TEST_CASE("What the operator denies is denied though a session allows it") {
  const Authority authority(kZone);
  Daemon daemon(Configured(authority, "deny = [\"b.example.org\"]\n"));
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  const Reply reply = Ask(session.nameserver, "b.example.org");
  CHECK(reply.rcode == "NXDOMAIN");
  CHECK_THAT(reply.ede_text, Contains("the operator denies b.example.org"));
  CHECK(authority.Count("b.example.org") == 0);
  CHECK(daemon.Rows("SELECT reason, detail FROM queries") == Texts{"operator-deny|b.example.org"});
}

TEST_CASE("An allowed name that leads through a denied one is denied") {
  const Authority authority(kZone);
  Daemon daemon(Configured(authority, "deny = [\"**.example.net\"]\n"));
  const TestSession session = daemon.OpenSession({"www.example.org:443"});
  for (int cached = 0; cached < 2; ++cached) {
    const Reply reply = Ask(session.nameserver, "www.example.org");
    CHECK(reply.rcode == "NXDOMAIN");
    CHECK(reply.answers.empty());
  }
  CHECK(daemon.Rows("SELECT reason, detail, source FROM queries ORDER BY id") ==
        Texts{"operator-deny|ads.example.net|upstream", "operator-deny|ads.example.net|cache"});
}

TEST_CASE("A type is answered where a rule opens it, and denied with the rule to add elsewhere") {
  const Authority authority(kZone);
  Daemon daemon(authority.endpoint());
  const TestSession session =
      daemon.OpenSession({"example.org/TXT", "_imap._tcp.example.org/SRV", "a.example.org:443"});
  CHECK(Ask(session.nameserver, "example.org", "TXT").data() == Texts{"\"hello\""});
  CHECK(Ask(session.nameserver, "_imap._tcp.example.org", "SRV").answers.size() == 1);
  const Reply mx = Ask(session.nameserver, "example.org", "MX");
  CHECK(mx.rcode == "NOERROR");
  CHECK(mx.answers.empty());
  CHECK_THAT(mx.ede_text, Contains("to allow them: example.org/MX"));
  CHECK(Ask(session.nameserver, "example.org", "A").answers.empty());
  CHECK(Ask(session.nameserver, "a.example.org", "TXT").answers.empty());
  CHECK_THAT(Ask(session.nameserver, "_http._tcp.b.example.org", "SRV").ede_text,
             Contains("to allow it: _http._tcp.b.example.org/SRV"));
  CHECK(daemon.Rows("SELECT what, qtype, reason, remedy FROM denials ORDER BY id") ==
        Texts{"example.org|MX|type-not-allowed|example.org/MX", "example.org|A|type-not-allowed|-",
              "a.example.org|TXT|type-not-allowed|a.example.org/TXT",
              "_http._tcp.b.example.org|SRV|not-allowed|_http._tcp.b.example.org/SRV"});
  CHECK(daemon.Rows("SELECT type, data FROM answers ORDER BY answer_id") ==
        Texts{"TXT|\"hello\"", "SRV|0 1 993 mail.example.org."});
}

TEST_CASE("A daemon that is its own upstream says so at once instead of waiting for itself") {
  const std::string place = RandomLoopback();
  DaemonOptions options;
  options.arguments = {"--upstream", place};
  Daemon daemon(std::move(options));
  const TestSession session =
      daemon.OpenSessionBy({{"allow", {"a.example.org:443"}}, {"listen", place}});
  const Reply reply = Ask(session.nameserver, "a.example.org");
  CHECK(reply.rcode == "SERVFAIL");
  CHECK(daemon.Rows("SELECT reason FROM queries ORDER BY id") ==
        Texts{"upstream-loop", "upstream-refused"});
}

}  // namespace
}  // namespace namegate::testing
