// The copy of an address that is judged and given to the kernel, looked at byte by byte.

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>

#include "gate/preload/destination.h"
#include "tests/support/gate_service.h"

namespace namegate::testing {
namespace {

using preload::Destination;
using preload::DestinationKind;

sockaddr_in6 MakeInet6(const char* address) {
  sockaddr_in6 result = {};
  result.sin6_family = AF_INET6;
  result.sin6_port = htons(443);
  inet_pton(AF_INET6, address, &result.sin6_addr);
  return result;
}

sockaddr_in MakeInet(const char* address) {
  sockaddr_in result = {};
  result.sin_family = AF_INET;
  result.sin_port = htons(443);
  inet_pton(AF_INET, address, &result.sin_addr);
  return result;
}

std::string Described(const Destination& destination) {
  GateRequest request = {};
  request.operation = static_cast<uint8_t>(GateOperation::kConnect);
  request.protocol = 6;
  destination.Describe(request);
  return Describe(request);
}

TEST_CASE("An address that is too short reaches the kernel with nothing in it but its family") {
  const sockaddr_in v4 = MakeInet("192.0.2.7");
  const sockaddr_in6 v6 = MakeInet6("2001:db8::1");
  std::array<char, sizeof(sockaddr_storage)> blank = {};
  for (long length = 2; length < 24; ++length) {
    CAPTURE(length);
    Destination destination;
    REQUIRE(destination.Take(&v6, length) == 0);
    CHECK(destination.kind() == DestinationKind::kTooShort);
    CHECK(destination.length() == length);
    CHECK(std::memcmp(static_cast<const char*>(destination.data()) + 2, blank.data(), 126) == 0);
  }
  for (long length = 0; length < 16; ++length) {
    CAPTURE(length);
    Destination destination;
    REQUIRE(destination.Take(&v4, length) == 0);
    CHECK(destination.kind() == DestinationKind::kTooShort);
    CHECK(std::memcmp(static_cast<const char*>(destination.data()) + 2, blank.data(), 126) == 0);
  }
}

TEST_CASE("A length that no address has is refused before anything is read") {
  Destination destination;
  CHECK(destination.Take(nullptr, -1) == -EINVAL);
  CHECK(destination.Take(nullptr, sizeof(sockaddr_storage) + 1) == -EINVAL);
  CHECK(destination.Take(nullptr, 16) == -EFAULT);
  CHECK(destination.data() == nullptr);
}

TEST_CASE("The kernel is given the address that is described, also where it means another") {
  const std::array<std::pair<const char*, const char*>, 6> v6 = {{
      {"::", "connect [::1]:443"},
      {"::ffff:0.0.0.0", "connect 127.0.0.1:443"},
      {"::ffff:192.0.2.7", "connect 192.0.2.7:443"},
      {"::192.0.2.7", "connect [::192.0.2.7]:443"},
      {"::fffe:192.0.2.7", "connect [::fffe:c000:207]:443"},
      {"2001:db8::", "connect [2001:db8::]:443"},
  }};
  for (const auto& [given, described] : v6) {
    const sockaddr_in6 address = MakeInet6(given);
    Destination destination;
    REQUIRE(destination.Take(&address, sizeof(address)) == 0);
    CHECK(Described(destination) == described);
    Destination again;  // what the kernel gets means the same as what was described
    REQUIRE(again.Take(destination.data(), destination.length()) == 0);
    CHECK(std::memcmp(again.data(), destination.data(), sizeof(address)) == 0);
  }
  const sockaddr_in any = MakeInet("0.0.0.0");
  Destination destination;
  REQUIRE(destination.Take(&any, sizeof(any)) == 0);
  CHECK(Described(destination) == "connect 127.0.0.1:443");
  const sockaddr_in loopback = MakeInet("127.0.0.1");
  CHECK(std::memcmp(destination.data(), &loopback, sizeof(loopback)) == 0);
}

TEST_CASE("AF_UNSPEC read as AF_INET is judged like it, and blank if too short") {
  sockaddr_in address = MakeInet("0.0.0.0");
  address.sin_family = AF_UNSPEC;
  Destination destination;
  REQUIRE(destination.Take(&address, sizeof(address)) == 0);
  CHECK(destination.kind() == DestinationKind::kUnspecified);
  destination.ReadUnspecifiedAsInet();
  CHECK(destination.kind() == DestinationKind::kInternet);
  CHECK(Described(destination) == "connect 127.0.0.1:443");
  Destination cut;
  REQUIRE(cut.Take(&address, 15) == 0);
  cut.ReadUnspecifiedAsInet();
  CHECK(cut.kind() == DestinationKind::kTooShort);
}

TEST_CASE("Every family but the local and the IP ones is foreign") {
  for (int family = 0; family < 50; ++family) {
    CAPTURE(family);
    sockaddr_storage address = {};
    address.ss_family = static_cast<sa_family_t>(family);
    Destination destination;
    REQUIRE(destination.Take(&address, sizeof(address)) == 0);
    const bool known = family == AF_UNSPEC || family == AF_UNIX || family == AF_NETLINK ||
                       family == AF_INET || family == AF_INET6;
    CHECK((destination.kind() == DestinationKind::kForeign) == !known);
  }
}

}  // namespace
}  // namespace namegate::testing
