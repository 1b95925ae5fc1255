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
    CHECK_THAT(reply->ede_text, Contains("too much below *.example.org:443"));
  }
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  CHECK(authority.seen().size() == 2);
  CHECK(daemon.Number("SELECT sum(count) FROM queries WHERE reason = 'tunnel-budget'") == 5);
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'tunnel-budget'") < 5);
}

TEST_CASE(
    "Rules for other ports or types below the same domain, and later ones, share its budget") {
  const Authority authority(kZone);
  Daemon daemon(Configured(authority, "wildcard_names = 2\n"));
  const TestSession session = daemon.OpenSession({"*.example.org:443", "*.example.org/TXT"});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  CHECK(Ask(session.nameserver, "b.example.org", "TXT").rcode == "NOERROR");
  CHECK(Ask(session.nameserver, "c.example.org", "TXT").rcode == "NXDOMAIN");
  REQUIRE(daemon.control().Call(
      {{"command", "session.update"}, {"session", session.id}, {"allow", {"**.example.org:80"}}}));
  CHECK(Ask(session.nameserver, "x.c.example.org").rcode == "NXDOMAIN");
  CHECK(authority.seen().size() == 2);
}

TEST_CASE("Below a wildcard a session may ask so many octets, whatever the number of names") {
  const Authority authority(kZone);
  Daemon daemon(Configured(authority, "wildcard_octets = 100\n"));
  const TestSession session = daemon.OpenSession({"**.example.org:443"});
  const auto said = [](char c) { return std::string(40, c) + ".example.org"; };
  CHECK(Ask(session.nameserver, said('x')).rcode == "NXDOMAIN");
  CHECK(Ask(session.nameserver, said('y')).rcode == "NXDOMAIN");
  CHECK(authority.seen().size() == 2);
  CHECK(Ask(session.nameserver, said('z')).ede == 15);
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  CHECK(authority.seen().size() == 3);
}

TEST_CASE(
    "The order of questions below a wildcard costs budget, which TTL 0 would let out for free") {
  const Authority authority(
      "zero.example.org. 0 IN A 198.51.100.7\n"
      "one.example.org. 0 IN A 198.51.100.8\n"
      "kept.example.org. 60 IN A 198.51.100.9\n");
  Daemon daemon(Configured(authority, "wildcard_octets = 40\n"));
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  for (int i = 0; i < 20; ++i)
    CHECK(Ask(session.nameserver, "kept.example.org").rcode == "NOERROR");
  Reply reply;
  for (int bit = 0; bit < 60; ++bit) {
    reply = Ask(session.nameserver, bit % 3 == 0 ? "one.example.org" : "zero.example.org");
  }
  CHECK(reply.rcode == "NXDOMAIN");
  CHECK(reply.ede == 15);
  CHECK(authority.seen().size() <= 40);
  CHECK(Ask(session.nameserver, "kept.example.org").rcode == "NOERROR");  // nothing leaves for it
  CHECK(daemon.Number("SELECT sum(count) FROM queries WHERE reason = 'tunnel-budget'") +
            static_cast<int64_t>(authority.seen().size()) ==
        61);
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

TEST_CASE("Of a flood the ledger tells which responses the client received, and which it did not") {
  const Authority authority(kZone);
  Daemon daemon(Configured(authority, "session_queries_per_s = 50\n"));
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  const UdpClient client(session.nameserver);
  constexpr int kSent = 200;  // as many as a socket's buffer holds for certain
  for (int i = 0; i < kSent; ++i) client.Send(MakeQuery("a.example.org", "A"));
  std::map<std::string, int64_t> received;
  while (const auto reply = client.Receive(kSilence)) ++received[reply->rcode];
  REQUIRE(daemon.WaitForStatus("in_flight", 0));
  CHECK(daemon.Stop().status == 0);
  const auto recorded = [&](const std::string& rcode) {
    return daemon.Number("SELECT coalesce(sum(count), 0) FROM queries WHERE rcode = '" + rcode +
                         "'");
  };
  CHECK(received["NOERROR"] >= 50);
  CHECK(recorded("NOERROR") == received["NOERROR"]);
  CHECK(recorded("SERVFAIL") == 0);
  CHECK(recorded("none") == kSent - received["NOERROR"]);
  CHECK(daemon.Rows("SELECT DISTINCT reason, qname FROM queries WHERE rcode = 'none'") ==
        Texts{"overloaded|a.example.org"});
}

TEST_CASE("Silence and responses past the limits share no row, and the others' rows are written") {
  Authority authority(kZone);
  authority.Hold("b.example.org");
  Daemon daemon(Configured(authority, "session_queries_per_s = 500\n"));
  const TestSession greedy = daemon.OpenSession({"b.example.org:443"});
  const TestSession other = daemon.OpenSession({"a.example.org:443"});
  // Past the rate, which a slow daemon exceeds too, until as many are in flight as may be, and then
  // some past that.
  const UdpClient flood(greedy.nameserver);
  constexpr int kInFlight = 1'000;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  constexpr int kPast = 5;
  int past = 0;
  while (past < kPast && std::chrono::steady_clock::now() < deadline) {
    if (daemon.Status("in_flight") >= kInFlight) ++past;
    for (int i = 0; i < 400; ++i) flood.Send(MakeQuery("b.example.org", "A"));
    CHECK(Ask(other.nameserver, "a.example.org").rcode == "NOERROR");
  }
  CHECK(past == kPast);
  authority.Release("b.example.org");
  REQUIRE(daemon.WaitForStatus("in_flight", 0));
  CHECK(Ask(other.nameserver, "a.example.org").rcode == "NOERROR");
  CHECK(daemon.Stop().status == 0);
  CHECK(daemon.Rows("SELECT DISTINCT rcode FROM queries WHERE reason = 'overloaded'"
                    " ORDER BY rcode") == Texts{"SERVFAIL", "none"});
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE qname IS NULL") == 0);
}

TEST_CASE("A flood of what is no question is limited like one of questions") {
  const Authority authority(kZone);
  Daemon daemon(Configured(authority, "session_queries_per_s = 50\n"));
  const TestSession greedy = daemon.OpenSession({"a.example.org:443"});
  const UdpClient flood(greedy.nameserver);
  Bytes malformed = MakeQuery("a.example.org", "A");
  malformed.pop_back();
  Bytes opcode = MakeQuery("a.example.org", "A");
  opcode[2] = 0x28;
  for (int i = 0; i < 700; ++i) {
    for (const Bytes& message : {malformed, opcode, MakeQuery("a.example.org", "ANY")}) {
      flood.Send(message);
    }
  }
  REQUIRE(daemon.WaitForStatus("in_flight", 0));
  CHECK(daemon.Stop().status == 0);
  CHECK(daemon.Number("SELECT sum(count) FROM queries") >= 500);
  CHECK(daemon.Number("SELECT count(*) FROM queries") < 400);
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'overloaded'") >= 1);
}

TEST_CASE("A flood from who has no session is a few rows, and who has one is served") {
  const Authority authority(kZone);
  const std::string shared = RandomLoopback();
  Daemon daemon({{authority.endpoint()}, "", {"--listen", shared}});
  const auto server = Endpoint::FromText(shared).value();
  daemon.OpenSessionBy(
      nlohmann::json{{"allow", {"a.example.org:443"}}, {"client", "127.0.9.0/24"}});
  const UdpClient stranger(server, IpAddress::V4(127, 0, 8, 3));
  for (int i = 0; i < 2'000; ++i) stranger.Send(MakeQuery("a.example.org", "A"));
  const UdpClient member(server, IpAddress::V4(127, 0, 9, 3));
  member.Send(MakeQuery("a.example.org", "A"));
  CHECK(member.Receive().value().data() == Texts{"198.51.100.7"});
  REQUIRE(daemon.WaitForStatus("in_flight", 0));
  CHECK(daemon.Stop().status == 0);
  const std::string of_strangers = " FROM queries WHERE reason = 'unknown-session'";
  CHECK(daemon.Number("SELECT sum(count)" + of_strangers) >= 500);
  CHECK(daemon.Number("SELECT count(*)" + of_strangers) < 400);
}

TEST_CASE("On a shared address one client's TCP connections leave the others room") {
  const Authority authority(kZone);
  const std::string shared = RandomLoopback();
  Daemon daemon({{authority.endpoint()}, "", {"--listen", shared}});
  const auto server = Endpoint::FromText(shared).value();
  daemon.OpenSessionBy(nlohmann::json{{"allow", Texts{}}, {"client", "127.0.8.0/24"}});
  daemon.OpenSessionBy(
      nlohmann::json{{"allow", {"a.example.org:443"}}, {"client", "127.0.9.0/24"}});
  std::vector<std::unique_ptr<TcpClient>> greedy;
  for (int i = 0; i < 300; ++i) {
    greedy.push_back(std::make_unique<TcpClient>(server, IpAddress::V4(127, 0, 8, 3)));
  }
  CHECK(greedy.back()->ClosedWithin(kPatience));  // it has as many as it may
  TcpClient modest(server, IpAddress::V4(127, 0, 9, 3));
  modest.Send(MakeQuery("a.example.org", "A"));
  CHECK(modest.Receive().value().data() == Texts{"198.51.100.7"});
}

TEST_CASE("A session with every question that it may have at the upstreams leaves others room") {
  Authority authority(kZone);
  authority.On("*", Silence());
  authority.On("a.example.org", Honest());
  Daemon daemon(Configured(authority, "wildcard_names = 5000\nwildcard_octets = 100000\n"));
  const TestSession greedy = daemon.OpenSession({"*.example.net:443"});
  const TestSession other = daemon.OpenSession({"a.example.org:443"});
  const UdpClient flood(greedy.nameserver);
  constexpr int kAsked = 1'000;  // what there is room for in all
  for (int asked = 1; asked <= kAsked; ++asked) {
    flood.Send(MakeQuery("n" + std::to_string(asked) + ".example.net", "A"));
    // Not faster than the daemon reads: it is to refuse them, not the socket's buffer.
    if (asked % 100 == 0) REQUIRE(daemon.WaitForStatus("queries", asked));
  }
  CHECK(Ask(other.nameserver, "a.example.org").data() == Texts{"198.51.100.7"});
  const auto refused = flood.Receive();
  REQUIRE(refused);
  CHECK(refused->rcode == "SERVFAIL");
  CHECK(refused->ede == 14);
  // Those past the limit share a row.
  const std::string of_greedy = " FROM queries WHERE reason = 'overloaded' AND session = ";
  CHECK(daemon.Number("SELECT sum(count)" + of_greedy + std::to_string(greedy.id)) > 0);
  CHECK(daemon.Number("SELECT count(*)" + of_greedy + std::to_string(greedy.id)) < 50);
  CHECK(daemon.Number("SELECT count(*)" + of_greedy + std::to_string(other.id)) == 0);
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
  const TestSession mail = daemon.OpenSession({"example.org/MX"});
  CHECK(Ask(mail.nameserver, "example.org", "MX").data() == Texts{"10 mail.example.org."});
  CHECK(Ask(mail.nameserver, "example.org", "TXT").answers.empty());
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
  CHECK(daemon.Rows("SELECT what, qtype, reason, remedy FROM denials WHERE session = " +
                    std::to_string(session.id) + " ORDER BY id") ==
        Texts{"example.org|MX|type-not-allowed|example.org/MX", "example.org|A|type-not-allowed|-",
              "a.example.org|TXT|type-not-allowed|a.example.org/TXT",
              "_http._tcp.b.example.org|SRV|not-allowed|_http._tcp.b.example.org/SRV"});
  CHECK(daemon.Rows("SELECT type, data FROM answers ORDER BY answer_id") ==
        Texts{"MX|10 mail.example.org.", "TXT|\"hello\"", "SRV|0 1 993 mail.example.org."});
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
