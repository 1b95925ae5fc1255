#include "common/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace namegate {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool BitsAgree(std::span<const uint8_t> a, std::span<const uint8_t> b, unsigned bits) {
  const size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  return ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

IpAddress::IpAddress(std::span<const uint8_t> octets) {
  if (octets.size() != 4 && octets.size() != 16) std::abort();
  const bool mapped =
      octets.size() == 16 && std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin());
  if (mapped) octets = octets.subspan(kMappedPrefix.size());
  v4_ = octets.size() == 4;
  std::copy(octets.begin(), octets.end(), octets_.begin());
}

IpAddress IpAddress::V4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  const std::array<uint8_t, 4> octets = {a, b, c, d};
  return IpAddress(octets);
}

std::optional<IpAddress> IpAddress::FromText(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  std::array<uint8_t, 16> octets{};
  if (inet_pton(AF_INET, terminated.c_str(), octets.data()) == 1) {
    return IpAddress(std::span<const uint8_t>(octets).first(4));
  }
  if (inet_pton(AF_INET6, terminated.c_str(), octets.data()) == 1) return IpAddress(octets);
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::FromSockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::array<uint8_t, 4> octets{};
    std::memcpy(octets.data(), &in.sin_addr, octets.size());
    return IpAddress(octets);
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, address, sizeof in6);
    return IpAddress(in6.sin6_addr.s6_addr);
  }
  return std::nullopt;
}

std::string IpAddress::ToText() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4_ ? AF_INET : AF_INET6, octets_.data(), text.data(), text.size());
  return text.data();
}

socklen_t IpAddress::ToSockaddr(uint16_t port, sockaddr_storage* storage) const {
  std::memset(storage, 0, sizeof *storage);
  if (v4_) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, octets_.data(), 4);
    std::memcpy(storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  std::memcpy(&in6.sin6_addr, octets_.data(), 16);
  std::memcpy(storage, &in6, sizeof in6);
  return sizeof in6;
}

IpPrefix::IpPrefix(const IpAddress& address)
    : base_(address), length_(address.is_v4() ? 32U : 128U) {}

std::optional<IpPrefix> IpPrefix::FromText(std::string_view text) {
  const size_t slash = text.find('/');
  const auto base = IpAddress::FromText(text.substr(0, slash));
  if (!base) return std::nullopt;
  IpPrefix prefix(*base);
  if (slash == std::string_view::npos) return prefix;
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size() || length > prefix.length_) {
    return std::nullopt;
  }
  prefix.length_ = length;
  std::array<uint8_t, 16> masked{};
  const auto octets = base->octets();
  for (size_t i = 0; i < octets.size(); ++i) {
    const auto kept =
        static_cast<unsigned>(std::clamp(static_cast<int>(length) - static_cast<int>(i) * 8, 0, 8));
    masked[i] = static_cast<uint8_t>(octets[i] & (0xff00U >> kept));
  }
  if (!std::equal(octets.begin(), octets.end(), masked.begin())) return std::nullopt;
  return prefix;
}

bool IpPrefix::Contains(const IpAddress& address) const {
  return address.is_v4() == base_.is_v4() && BitsAgree(address.octets(), base_.octets(), length_);
}

std::string IpPrefix::ToText() const {
  const unsigned whole = base_.is_v4() ? 32 : 128;
  return length_ == whole ? base_.ToText() : base_.ToText() + "/" + std::to_string(length_);
}

}  // namespace namegate
