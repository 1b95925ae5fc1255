#include "resolver/lease_table.h"

#include <catch2/catch.hpp>

#include "tests/support/parsed.h"

namespace namegate::resolver {
namespace {

using namespace std::chrono_literals;
using Clock = LeaseTable::Clock;

constexpr Clock::time_point kStart{1h};
const IpAddress kAddress = IpAddress::V4(192, 0, 2, 7);

using testing::Name;

Rule Parsed(const char* text) { return Rule::FromText(text).value(); }

struct LeaseFixture {
  LeaseTable leases;
  Rule https = Parsed("a.example:443");
  Rule ssh = Parsed("b.example:22");
  Rule quic = Parsed("a.example:443/udp");

  void Grant(const char* name, const Rule& rule, std::chrono::seconds term, int64_t query_id = 1,
             const IpAddress& address = kAddress) {
    leases.Grant(address, {Name(name), query_id, {&rule}, kStart + term}, kStart);
  }
  LeaseVerdict Check(uint16_t port, Clock::time_point at, Protocol protocol = Protocol::kTcp) {
    return leases.Check(kAddress, port, protocol, at, at);
  }
};

TEST_CASE_METHOD(LeaseFixture, "An address that was never answered has no lease") {
  CHECK(Check(443, kStart).reason == Reason::kNoLease);
}

TEST_CASE_METHOD(LeaseFixture,
                 "A lease admits the ports and the protocol of its rules until it ends") {
  Grant("a.example", https, 60s, 42);
  const LeaseVerdict verdict = Check(443, kStart + 59s);
  REQUIRE(verdict.reason == Reason::kLease);
  CHECK(verdict.lease->name == Name("a.example"));
  CHECK(verdict.lease->query_id == 42);
  CHECK(verdict.rule == &https);
  CHECK(Check(80, kStart).reason == Reason::kPortNotAllowed);
  CHECK(Check(443, kStart, Protocol::kUdp).reason == Reason::kPortNotAllowed);
  CHECK(Check(443, kStart + 60s).reason == Reason::kLeaseExpired);
  CHECK(Check(80, kStart + 60s).reason == Reason::kNoLease);
}

TEST_CASE_METHOD(LeaseFixture, "Names that share an address each admit by their own rules") {
  Grant("a.example", https, 60s);
  Grant("b.example", ssh, 60s);
  CHECK(Check(443, kStart).lease->name == Name("a.example"));
  CHECK(Check(22, kStart).lease->name == Name("b.example"));
}

TEST_CASE_METHOD(LeaseFixture, "A new answer extends a lease and never shortens it") {
  Grant("a.example", https, 600s, 1);
  Grant("a.example", https, 60s, 2);
  const LeaseVerdict verdict = Check(443, kStart + 599s);
  CHECK(verdict.reason == Reason::kLease);
  CHECK(verdict.lease->query_id == 2);
  CHECK(leases.size() == 1);
}

TEST_CASE_METHOD(LeaseFixture, "A use extends the lease that admitted it, a refused one does not") {
  Grant("a.example", https, 60s);
  leases.Check(kAddress, 80, Protocol::kTcp, kStart + 50s, kStart + 140s);
  CHECK(Check(443, kStart + 60s).reason == Reason::kLeaseExpired);
  Grant("a.example", https, 60s);
  leases.Check(kAddress, 443, Protocol::kTcp, kStart + 50s, kStart + 140s);
  CHECK(Check(443, kStart + 139s).reason == Reason::kLease);
  CHECK(Check(443, kStart + 140s).reason == Reason::kLeaseExpired);
}

TEST_CASE_METHOD(LeaseFixture, "An expired lease that would have admitted is the reason told") {
  Grant("a.example", https, 10s);
  Grant("b.example", ssh, 600s);
  CHECK(Check(443, kStart + 60s).reason == Reason::kLeaseExpired);
  CHECK(Check(443, kStart + 60s).lease->name == Name("a.example"));
}

TEST_CASE_METHOD(LeaseFixture, "PTR names are those with a live lease") {
  Grant("a.example", https, 10s);
  Grant("b.example", ssh, 60s);
  CHECK(leases.NamesOf(kAddress, kStart).size() == 2);
  CHECK(leases.NamesOf(kAddress, kStart + 10s) == std::vector<DomainName>{Name("b.example")});
  CHECK(leases.NamesOf(IpAddress::V4(192, 0, 2, 8), kStart).empty());
}

TEST_CASE_METHOD(LeaseFixture, "A table that is full makes room from the leases that end first") {
  for (uint32_t i = 0; i < LeaseTable::kMaxAddresses; ++i) {
    const auto address = IpAddress::V4(10, static_cast<uint8_t>(i >> 16),
                                       static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
    Grant("a.example", https, std::chrono::seconds(60 + i), 1, address);
  }
  Grant("a.example", https, 30s);
  CHECK(leases.size() <= LeaseTable::kMaxAddresses);
  CHECK(Check(443, kStart).reason == Reason::kLease);
  CHECK(leases.NamesOf(IpAddress::V4(10, 0, 0, 0), kStart).empty());
  CHECK(leases.NamesOf(IpAddress::V4(10, 0, 255, 255), kStart).size() == 1);
}

TEST_CASE_METHOD(LeaseFixture, "An address keeps a bounded number of names") {
  for (size_t i = 0; i < LeaseTable::kMaxNamesPerAddress + 10; ++i) {
    Grant(("n" + std::to_string(i) + ".example").c_str(), https, std::chrono::seconds(60 + i));
  }
  CHECK(leases.NamesOf(kAddress, kStart).size() == LeaseTable::kMaxNamesPerAddress);
}

}  // namespace
}  // namespace namegate::resolver
