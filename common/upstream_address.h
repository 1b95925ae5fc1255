#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/endpoint.h"

namespace namegate {

// A resolver to ask, and how: plain DNS, or DNS over TLS (RFC 7858).
struct UpstreamAddress {
  Endpoint endpoint;
  bool tls = false;
  // The name that the certificate must have; empty: it must have the address (RFC 8310 §8.1).
  std::string tls_name;

  // "192.0.2.53", "192.0.2.53:5353", "tls://192.0.2.53", "tls://192.0.2.53:8853@dns.example.org",
  // "tls://[2001:db8::53]@dns.example.org". Ports default to 53, and 853 for TLS.
  static std::optional<UpstreamAddress> FromText(std::string_view text);
  // In the same form, the port always given.
  std::string ToText() const;

  friend bool operator==(const UpstreamAddress&, const UpstreamAddress&) = default;
};

// What to write, for messages about a text that is none.
inline constexpr char kUpstreamAddressForms[] =
    "write 192.0.2.53, 192.0.2.53:5353, [2001:db8::53]:53 or tls://192.0.2.53@dns.example.org";

}  // namespace namegate
