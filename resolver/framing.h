#pragma once

// Messages over a stream, TCP or TLS: each behind its length in two octets (RFC 1035 §4.2.2).

#include <optional>
#include <string>
#include <string_view>

#include "common/network_order.h"

namespace namegate::resolver {

inline constexpr size_t kLengthPrefix = 2;

// `message` is at most 65,535 octets long.
inline std::string Framed(std::string_view message) {
  std::string framed;
  framed.reserve(kLengthPrefix + message.size());
  AppendU16(framed, static_cast<uint16_t>(message.size()));
  return framed.append(message);
}

// The length of the message whose prefix begins at `at`; nothing until the prefix is whole.
inline std::optional<size_t> FramedLength(std::string_view received, size_t at = 0) {
  if (received.size() < at + kLengthPrefix) return std::nullopt;
  return ReadU16(OctetsOf(received), at);
}

}  // namespace namegate::resolver
