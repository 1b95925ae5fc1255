// What is remembered, for how long, and what is asked only once.

#include <catch2/catch.hpp>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

constexpr char kCacheRecords[] = R"(
  a.example.org. 300 IN A 192.0.2.7
  brief.example.org. 0 IN A 192.0.2.8
)";

TEST_CASE("A second query is answered from the cache, with a TTL no higher, and recorded as such") {
  const Authority authority(kCacheRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  const int64_t first = Ask(session.nameserver, "a.example.org").ttl();
  CHECK(first == 300);
  // The TTL ages by the second: asking until it has is the only clock that a client has.
  int64_t later = first;
  int asked = 1;
  for (; later == first && asked < 2'000'000; ++asked) {
    later = Ask(session.nameserver, "a.example.org").ttl();
  }
  CHECK(later == first - 1);
  CHECK(authority.Count("a.example.org") == 1);
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE source = 'cache'") == asked - 1);
  CHECK(daemon.Number("SELECT count(*) FROM answers") == 1);  // the set is stored once
}

TEST_CASE("A record with TTL 0 is asked for every time") {
  const Authority authority(kCacheRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"brief.example.org:443"});
  for (int i = 0; i < 3; ++i) CHECK(Ask(session.nameserver, "brief.example.org").ttl() == 0);
  CHECK(authority.Count("brief.example.org") == 3);
}

TEST_CASE("The absence of a name and of a type are remembered too") {
  const Authority authority(kCacheRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session =
      daemon.OpenPrivateSession({"a.example.org:443", "no.example.org:443"});
  for (int i = 0; i < 2; ++i) {
    const Reply missing = Ask(session.nameserver, "no.example.org");
    CHECK(missing.rcode == "NXDOMAIN");
    CHECK(missing.authority.size() == 1);
    CHECK_FALSE(missing.ede);  // it is allowed: nothing was denied
    CHECK(Ask(session.nameserver, "a.example.org", "AAAA").rcode == "NOERROR");
  }
  CHECK(authority.Count("no.example.org") == 1);
  CHECK(authority.Count("a.example.org", "AAAA") == 1);
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE source = 'cache'") == 2);
}

// RFC 9520 §3.2. Asked often, because a failure is remembered for 2 s and a test may be slow.
TEST_CASE("A failure is remembered: an upstream that refuses is not asked for each question") {
  Authority authority(kCacheRecords);
  authority.On("a.example.org", Rcode(LDNS_RCODE_SERVFAIL));
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  constexpr int kAsked = 50;
  for (int i = 0; i < kAsked; ++i) {
    const Reply reply = Ask(session.nameserver, "a.example.org");
    CHECK(reply.rcode == "SERVFAIL");
    CHECK(reply.ede == 22);
  }
  const auto asked = static_cast<int64_t>(authority.Count("a.example.org"));
  CHECK(asked < kAsked);
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE source = 'upstream'") == asked);
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE source = 'cache' AND reason = "
                      "'upstream-refused'") == kAsked - asked);
}

TEST_CASE("Each question costs the upstream one, and the letters of the client's do not reach it") {
  const Authority authority(kCacheRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({"brief.example.org:443"});
  const Bytes loud = MakeQuery("BRIEF.EXAMPLE.ORG", "A");
  constexpr int kAsked = 10;
  int as_asked = 0;
  for (int i = 0; i < kAsked; ++i) CHECK(Ask(session.nameserver, "BRIEF.EXAMPLE.ORG").ttl() == 0);
  CHECK(authority.Count("brief.example.org") == kAsked);
  for (const SeenQuery& query : authority.seen()) {
    as_asked += std::equal(loud.begin() + 12, loud.begin() + 31, query.raw.begin() + 12) ? 1 : 0;
  }
  CHECK(as_asked < kAsked);
}

TEST_CASE("Two sessions that ask at once share one query to the upstream, and get a row each") {
  Authority authority(kCacheRecords);
  authority.Hold("a.example.org");
  Daemon daemon(authority.endpoint());
  const TestSession one = daemon.OpenSession({"a.example.org:443"});
  const TestSession two = daemon.OpenSession({"*.example.org:443"});
  const UdpClient first(one.nameserver);
  const UdpClient second(two.nameserver);
  first.Send(MakeQuery("a.example.org", "A"));
  second.Send(MakeQuery("A.example.org", "A"));
  REQUIRE(daemon.WaitForStatus("in_flight", 2));
  authority.Release("a.example.org");
  CHECK(first.Receive().value().data() == Texts{"192.0.2.7"});
  CHECK(second.Receive().value().question == "A.example.org. IN A");
  CHECK(authority.Count("a.example.org") == 1);
  CHECK(daemon.Rows("SELECT session, source FROM queries ORDER BY session") ==
        Texts{std::to_string(one.id) + "|upstream", std::to_string(two.id) + "|coalesced"});
}

TEST_CASE("The cache is bounded: an old name makes room for a new one") {
  std::string records;
  for (int i = 0; i < 40; ++i) {
    records += "h" + std::to_string(i) + ".example.org. 300 IN A 192.0.2.7\n";
  }
  const Authority authority(records);
  Daemon daemon(DaemonOptions{{authority.endpoint()}, "cache_entries = 10\n", {}});
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  for (int i = 0; i < 40; ++i) Ask(session.nameserver, "h" + std::to_string(i) + ".example.org");
  CHECK(daemon.Status("cache_entries") <= 10);
  CHECK(Ask(session.nameserver, "h0.example.org").answers.size() == 1);
}

}  // namespace
}  // namespace namegate::testing
