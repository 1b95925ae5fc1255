// What an allowed name gets.

#include <catch2/catch.hpp>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

constexpr char kRecords[] = R"(
  a.example.org. 60 IN A 192.0.2.7
  a.example.org. 60 IN A 192.0.2.8
  a.example.org. 60 IN AAAA 2001:4860:4860::8888
  www.example.org. 30 IN CNAME mid.example.net.
  mid.example.net. 20 IN CNAME a.example.org.
  loop.example.org. 60 IN CNAME pool.example.org.
  pool.example.org. 60 IN CNAME loop.example.org.
  inside.example.org. 60 IN A 10.0.0.1
  mixed.example.org. 60 IN A 192.0.2.9
  mixed.example.org. 60 IN A 127.0.0.1
  alias.example.org. 60 IN CNAME inside.example.org.
)";

std::string Addresses(const std::string& name, int count) {
  std::string records;
  for (int i = 1; i <= count; ++i) {
    records += name + ". 60 IN A 203.0.113." + std::to_string(i) + "\n";
  }
  return records;
}

TEST_CASE("An allowed name is answered with all its addresses, and recorded with them") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  const Reply reply = Ask(session.nameserver, "a.example.org");
  CHECK(reply.rcode == "NOERROR");
  CHECK(reply.recursion_available);
  CHECK_FALSE(reply.authoritative);
  CHECK(reply.data() == Texts{"192.0.2.7", "192.0.2.8"});
  CHECK(daemon.Rows("SELECT qname, qtype, verdict, reason, rule, rcode, source, transport "
                    "FROM queries ORDER BY id") ==
        Texts{"a.example.org|A|allow|rule|a.example.org:443|NOERROR|upstream|udp"});
  CHECK(daemon.Rows("SELECT owner, type, ttl, data FROM answers ORDER BY answer_id, position") ==
        Texts{"a.example.org|A|60|192.0.2.7", "a.example.org|A|60|192.0.2.8"});
}

TEST_CASE(
    "AAAA records are answered where private addresses are allowed, whatever the host's route") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenPrivateSession({"a.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org", "AAAA").data() == Texts{"2001:4860:4860::8888"});
}

TEST_CASE("A chain of CNAMEs is answered and recorded whole, whatever the names on the way") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"www.example.org:443"});
  const Reply reply = Ask(session.nameserver, "www.example.org");
  CHECK(reply.answers == Texts{"www.example.org. 30 IN CNAME mid.example.net.",
                               "mid.example.net. 20 IN CNAME a.example.org.",
                               "a.example.org. 60 IN A 192.0.2.7",
                               "a.example.org. 60 IN A 192.0.2.8"});
  CHECK(daemon.Number("SELECT count(*) FROM answers") == 4);
}

TEST_CASE("A name on the way is not thereby allowed, and the address is the asked name's") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"www.example.org:443"});
  CHECK(Ask(session.nameserver, "www.example.org").answers.size() == 4);
  CHECK(Ask(session.nameserver, "mid.example.net").rcode == "NXDOMAIN");
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NXDOMAIN");
  CHECK(Ask(session.nameserver, "7.2.0.192.in-addr.arpa", "PTR").data() ==
        Texts{"www.example.org."});
  CHECK(authority.seen().size() == 1);
}

TEST_CASE("A chain of CNAMEs that never ends gets an answer and no addresses") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"loop.example.org:443"});
  const Reply reply = Ask(session.nameserver, "loop.example.org");
  for (const std::string& data : reply.data()) CHECK(data.find("192.") == std::string::npos);
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 1);
}

TEST_CASE("The question comes back in the letters in which it was asked") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  CHECK(Ask(session.nameserver, "A.exAMPle.oRg").question == "A.exAMPle.oRg. IN A");
  CHECK(daemon.Rows("SELECT qname FROM queries") == Texts{"a.example.org"});
}

TEST_CASE("An answer too large for UDP is truncated there and whole over TCP, each with its row") {
  const Authority authority(Addresses("big.example.org", 200));
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"big.example.org:443"});
  const Reply udp = Ask(session.nameserver, "big.example.org");
  CHECK(udp.truncated);
  CHECK(udp.answers.empty());
  CHECK(AskTcp(session.nameserver, "big.example.org").answers.size() == 200);
  CHECK(daemon.Rows("SELECT transport, reason FROM queries ORDER BY id") ==
        Texts{"udp|truncated", "tcp|rule"});
}

TEST_CASE("A client without EDNS gets at most 512 octets over UDP") {
  const Authority authority(Addresses("many.example.org", 60));
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"many.example.org:443"});
  const Reply plain = Ask(session.nameserver, "many.example.org", "A", {.udp_payload = 0});
  CHECK(plain.truncated);
  CHECK(plain.raw.size() <= 512);
  CHECK_FALSE(plain.edns);
  const Reply edns = Ask(session.nameserver, "many.example.org", "A", {.udp_payload = 4096});
  CHECK(edns.answers.size() == 60);
  CHECK(edns.raw.size() <= 1232);
}

TEST_CASE("A private address from upstream drops the whole answer and says what would allow it") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(
      {"inside.example.org:443", "mixed.example.org:443", "alias.example.org:443"});
  for (const char* name : {"inside.example.org", "mixed.example.org", "alias.example.org"}) {
    INFO(name);
    const Reply reply = Ask(session.nameserver, name);
    CHECK(reply.rcode == "NXDOMAIN");
    CHECK(reply.answers.empty());
    CHECK(reply.ede == 15);
    CHECK_THAT(reply.ede_text, Catch::Contains("allow-private " + std::string(name) + ":443"));
  }
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'rebinding' AND verdict = 'deny'"
                      " AND answer_id IS NULL") == 3);
}

TEST_CASE("A private address is answered where the rule allows it") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenPrivateSession({"inside.example.org:443"});
  CHECK(Ask(session.nameserver, "inside.example.org").data() == Texts{"10.0.0.1"});
}

TEST_CASE("What the cache holds for one session is not shown to another that may not have it") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession trusted = daemon.OpenPrivateSession({"inside.example.org:443"});
  const TestSession other = daemon.OpenSession({"inside.example.org:443"});
  const TestSession stranger = daemon.OpenSession({"a.example.org:443"});
  CHECK(Ask(trusted.nameserver, "inside.example.org").rcode == "NOERROR");
  CHECK(Ask(other.nameserver, "inside.example.org").rcode == "NXDOMAIN");
  CHECK(Ask(stranger.nameserver, "inside.example.org").ede_text.find("inside.example.org:443") !=
        std::string::npos);
}

TEST_CASE("An answer that belongs to no question on the way is left out") {
  Authority authority(kRecords);
  authority.On("a.example.org", AnswerWith("a.example.org. 60 IN A 192.0.2.7\n"
                                           "victim.example.net. 60 IN A 192.0.2.66"));
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443", "victim.example.net:443"});
  for (const std::string& answer : Ask(session.nameserver, "a.example.org").answers) {
    CHECK(answer.find("192.0.2.66") == std::string::npos);
  }
  CHECK(Ask(session.nameserver, "victim.example.net").rcode == "NXDOMAIN");
}

TEST_CASE("localhost is answered here and never sent upstream") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  CHECK(Ask(session.nameserver, "localhost").data() == Texts{"127.0.0.1"});
  CHECK(Ask(session.nameserver, "printer.invalid").rcode == "NXDOMAIN");
  CHECK(authority.seen().empty());
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'special-name'") == 2);
}

TEST_CASE("A PTR query is answered from the session's own answers and nowhere else") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  const TestSession other = daemon.OpenSession({"a.example.org:443"});
  Ask(session.nameserver, "a.example.org");
  CHECK(Ask(session.nameserver, "7.2.0.192.in-addr.arpa", "PTR").data() == Texts{"a.example.org."});
  CHECK(Ask(other.nameserver, "7.2.0.192.in-addr.arpa", "PTR").rcode == "NXDOMAIN");
  CHECK(authority.Count("7.2.0.192.in-addr.arpa") == 0);
}

TEST_CASE("What is above the name of a leased address exists, and the name has no other types") {
  const Authority authority(kRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  Ask(session.nameserver, "a.example.org");
  // NXDOMAIN would say that there is nothing below either (RFC 8020).
  for (const char* name : {"7.2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa", "in-addr.arpa",
                           "8.b.d.0.1.0.0.2.ip6.arpa", "arpa"}) {
    INFO(name);
    const Reply reply = Ask(session.nameserver, name, "NS");
    CHECK(reply.rcode == "NOERROR");
    CHECK(reply.answers.empty());
    CHECK(reply.authority.size() == 1);
  }
  CHECK(Ask(session.nameserver, "99.2.0.192.in-addr.arpa", "NS").rcode == "NXDOMAIN");
  CHECK(Ask(session.nameserver, "1.7.2.0.192.in-addr.arpa", "NS").rcode == "NXDOMAIN");
}

TEST_CASE("Of reverse zones nothing leaves, whatever a rule says") {
  const Authority authority(
      "9.2.0.192.in-addr.arpa. 60 IN PTR other.example.org.\n"
      "9.2.0.192.in-addr.arpa. 60 IN TXT \"text\"\n");
  Daemon daemon(authority.endpoint());
  const TestSession session =
      daemon.OpenSession({"**.192.in-addr.arpa:443", "**.192.in-addr.arpa/PTR,TXT,NS",
                          "**.b.d.0.1.0.0.2.ip6.arpa/PTR"});
  for (const char* type : {"PTR", "TXT", "A", "NS"}) {
    CHECK(Ask(session.nameserver, "9.2.0.192.in-addr.arpa", type).answers.empty());
    CHECK(Ask(session.nameserver, "2.0.192.in-addr.arpa", type).answers.empty());
    CHECK(Ask(session.nameserver, "8.b.d.0.1.0.0.2.ip6.arpa", type).answers.empty());
  }
  CHECK(authority.seen().empty());
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'special-name'") == 12);
}

}  // namespace
}  // namespace namegate::testing
