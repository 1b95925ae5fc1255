#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/ip_address.h"

namespace namegate {

// Transport protocols that a rule can speak of, by IANA protocol number.
enum class Protocol : uint8_t { kTcp = 6, kUdp = 17 };

// "tcp" or "udp".
const char* ProtocolName(Protocol protocol);

// An address and a port.
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;

  // "192.0.2.7:53", "[2001:db8::1]:53", or the address alone if `default_port` is given.
  static std::optional<Endpoint> FromText(std::string_view text,
                                          std::optional<uint16_t> default_port = std::nullopt);
  std::string ToText() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// Where a name server listens (RFC 1035 §4.2).
inline constexpr uint16_t kDnsPort = 53;

// A port number 1 to 65535 in decimal and nothing else.
std::optional<uint16_t> ParsePort(std::string_view text);

}  // namespace namegate
