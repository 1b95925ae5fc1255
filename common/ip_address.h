#pragma once

#include <netinet/in.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace namegate {

// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d, RFC 4291 §2.5.5.2) are
// IPv4 addresses here from the moment they are read, so that one destination has one value.
class IpAddress {
 public:
  // 0.0.0.0
  IpAddress() = default;
  // `octets` in network order, 4 or 16 of them; any other number is a programmer's mistake.
  explicit IpAddress(std::span<const uint8_t> octets);

  static IpAddress V4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
  // Reads what inet_pton(3) reads, nothing else (no "127.1", no zone index).
  static std::optional<IpAddress> FromText(std::string_view text);
  // From a sockaddr_in or sockaddr_in6; nothing for other families.
  static std::optional<IpAddress> FromSockaddr(const sockaddr* address);

  bool is_v4() const { return v4_; }
  // 4 or 16 octets in network order; valid as long as this object.
  std::span<const uint8_t> octets() const { return {octets_.data(), v4_ ? size_t{4} : size_t{16}}; }
  // Numeric text as inet_ntop(3) gives it.
  std::string ToText() const;
  // Fills `storage` and returns its length.
  socklen_t ToSockaddr(uint16_t port, sockaddr_storage* storage) const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool v4_ = true;
  std::array<uint8_t, 16> octets_{};
};

// A range of addresses (CIDR, RFC 4632). Host bits of the base are zero.
class IpPrefix {
 public:
  IpPrefix() = default;
  // The range of one address.
  explicit IpPrefix(const IpAddress& address);

  // "192.0.2.7", "192.0.2.0/24", "2001:db8::/32". Nothing if it is none of these or host bits are
  // set.
  static std::optional<IpPrefix> FromText(std::string_view text);

  bool Contains(const IpAddress& address) const;
  const IpAddress& base() const { return base_; }
  unsigned length() const { return length_; }
  // Without "/length" for a single address.
  std::string ToText() const;

  friend bool operator==(const IpPrefix&, const IpPrefix&) = default;

 private:
  IpAddress base_;
  unsigned length_ = 32;
};

}  // namespace namegate

template <>
struct std::hash<namegate::IpAddress> {
  size_t operator()(const namegate::IpAddress& address) const noexcept {
    const auto octets = address.octets();
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(octets.data()), octets.size()});
  }
};
