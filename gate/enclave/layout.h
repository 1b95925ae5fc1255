#pragma once

#include <algorithm>
#include <cstdint>

#include "gate/enclave/netlink.h"

// The picture of README.md in names and numbers. They are the same in every session: the
// namespaces keep them apart.

namespace namegate::enclave {

inline constexpr char kSandboxLink[] = "eth0";
inline constexpr char kGatewayLink[] = "veth0";
inline constexpr MacAddress kSandboxMac = {0x02, 0x4e, 0x47, 0x00, 0x00, 0x02};
inline constexpr MacAddress kGatewayMac = {0x02, 0x4e, 0x47, 0x00, 0x00, 0x01};

inline IpAddress GatewayAddress() { return IpAddress::V4(10, 64, 0, 1); }
inline IpAddress SandboxAddress() { return IpAddress::V4(10, 64, 0, 2); }
inline constexpr uint8_t kPrefixLength = 30;

// fd4e:6174:6567::/126, a unique local range (RFC 4193) of our own.
inline IpAddress GatewayAddress6() { return IpAddress::FromText("fd4e:6174:6567::1").value(); }
inline IpAddress SandboxAddress6() { return IpAddress::FromText("fd4e:6174:6567::2").value(); }
inline constexpr uint8_t kPrefixLength6 = 126;

inline IpAddress SandboxAddressLike(const IpAddress& other) {
  return other.is_v4() ? SandboxAddress() : SandboxAddress6();
}

// The loopback and unspecified addresses. Dialled by the relay they would be the host's own, so no
// packet may ask for them: a kernel sends none, but root in the sandbox can write one.
inline bool IsHostsOwn(const IpAddress& address) {
  const auto octets = address.octets();
  if (address.is_v4()) return octets[0] == 0 || octets[0] == 127;
  return std::ranges::all_of(octets.first(15), [](uint8_t octet) { return octet == 0; }) &&
         octets[15] <= 1;
}

// Only packets with this mark find the way from G to S; the relay's sockets carry it.
inline constexpr uint32_t kRelayMark = 1;
// The table in which every address is local, and none leads to S.
inline constexpr uint32_t kAnyIpTable = 100;

}  // namespace namegate::enclave
