// What a name, a type or a client that is not allowed gets: an answer that explains, a row, and
// nothing sent upstream.

#include <catch2/catch.hpp>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

TEST_CASE("A name that is not allowed gets NXDOMAIN, SOA, EDE and the rule to add") {
  const Authority authority("b.example.org. 60 IN A 192.0.2.9");
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  const Reply reply = Ask(session.nameserver, "b.example.org");
  CHECK(reply.rcode == "NXDOMAIN");
  REQUIRE(reply.authority.size() == 1);
  CHECK_THAT(reply.authority[0], Catch::Contains(" 5 IN SOA "));
  CHECK(reply.ede == 15);
  CHECK_THAT(reply.ede_text, Catch::Contains("b.example.org:443"));
  CHECK(authority.seen().empty());
  CHECK(daemon.Rows("SELECT qname, verdict, reason, rcode, ede, source, answer_id FROM queries") ==
        Texts{"b.example.org|deny|not-allowed|NXDOMAIN|15|local|-"});
  CHECK(daemon.Rows("SELECT kind, what, reason, remedy FROM denials") ==
        Texts{"query|b.example.org|not-allowed|b.example.org:443"});
}

TEST_CASE("A session without rules is answered nothing") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NXDOMAIN");
  CHECK(authority.seen().empty());
}

TEST_CASE("An ancestor of an allowed name exists without records") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"deep.a.example.org:443"});
  for (const char* name : {"a.example.org", "example.org", "org"}) {
    INFO(name);
    const Reply reply = Ask(session.nameserver, name);
    CHECK(reply.rcode == "NOERROR");
    CHECK(reply.answers.empty());
    CHECK(reply.authority.size() == 1);
    CHECK(reply.ede == 15);
  }
  CHECK(authority.seen().empty());
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'ancestor'") == 3);
}

TEST_CASE("Types other than addresses get NODATA for an allowed name, and HTTPS without alarm") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  for (const char* type : {"TXT", "MX", "HTTPS", "SVCB", "TYPE65280"}) {
    INFO(type);
    const Reply reply = Ask(session.nameserver, "a.example.org", type);
    CHECK(reply.rcode == "NOERROR");
    CHECK(reply.answers.empty());
    CHECK(reply.authority.size() == 1);
  }
  CHECK(authority.seen().empty());
  CHECK(daemon.Rows("SELECT qtype, verdict, reason FROM queries ORDER BY id") ==
        Texts{"TXT|deny|type-not-allowed", "MX|deny|type-not-allowed", "HTTPS|allow|type-withheld",
              "SVCB|allow|type-withheld", "TYPE65280|deny|type-not-allowed"});
}

TEST_CASE("ANY, zone transfers and other classes are refused") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  for (const char* type : {"ANY", "AXFR", "IXFR"}) {
    INFO(type);
    CHECK(Ask(session.nameserver, "a.example.org", type).rcode == "REFUSED");
  }
  CHECK(Ask(session.nameserver, "version.bind", "TXT", {.dns_class = "CH"}).rcode == "REFUSED");
  CHECK(authority.seen().empty());
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE verdict = 'deny'") == 4);
}

TEST_CASE("A wildcard rule allows one more label, and the apex and deeper names stay denied") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  CHECK(Ask(session.nameserver, "x.a.example.org").rcode == "NXDOMAIN");
  CHECK(Ask(session.nameserver, "example.org").answers.empty());
  CHECK(authority.seen().size() == 1);
}

TEST_CASE("A label of arbitrary octets does not pass a wildcard rule") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  CHECK(Ask(session.nameserver, "\\000\\255secret.example.org").rcode == "NXDOMAIN");
  CHECK(authority.seen().empty());
  CHECK(daemon.Rows("SELECT qname FROM queries") == Texts{"\\000\\255secret.example.org"});
}

TEST_CASE("A session by client address is known by it, and others are refused with EDE 18") {
  const Authority authority(kExampleRecords);
  const std::string shared = RandomLoopback();
  Daemon daemon({{authority.endpoint()}, "", {"--listen", shared}});
  REQUIRE(daemon.readiness() == "ready");
  const auto server = Endpoint::FromText(shared).value();
  daemon.OpenSessionBy(
      nlohmann::json{{"allow", {"a.example.org:443"}}, {"client", "127.0.9.0/24"}});
  const UdpClient member(server, IpAddress::V4(127, 0, 9, 3));
  member.Send(MakeQuery("a.example.org", "A"));
  CHECK(member.Receive().value().data() == Texts{"192.0.2.7"});
  const UdpClient stranger(server, IpAddress::V4(127, 0, 8, 3));
  stranger.Send(MakeQuery("a.example.org", "A"));
  const Reply refused = stranger.Receive().value();
  CHECK(refused.rcode == "REFUSED");
  CHECK(refused.ede == 18);
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'unknown-session' "
                      "AND session IS NULL") == 1);
}

TEST_CASE("A closed session's name server answers no more") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  daemon.CloseSession(session);
  const UdpClient client(session.nameserver);
  client.Send(MakeQuery("a.example.org", "A"));
  CHECK_FALSE(client.Receive(kSilence));
  daemon.Stop();  // the row of the closing is written when the ledger comes to it
  CHECK(daemon.Rows("SELECT close_reason FROM sessions") == Texts{"closed"});
}

}  // namespace
}  // namespace namegate::testing
