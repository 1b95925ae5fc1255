#include "resolver/special_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "resolver/dns.h"

namespace namegate::resolver {
namespace {

// Long, because nothing about these names ever changes.
constexpr uint32_t kSpecialTtl_s = 3600;
// Of a whole reverse name: octets or nibbles, and two of the zone's.
constexpr size_t kLabelsV4 = 4 + 2;
constexpr size_t kLabelsV6 = 32 + 2;

DomainName Name(std::string_view text) { return DomainName::FromText(text).value(); }

SpecialAnswer Localhost(const DomainName& qname, uint16_t qtype) {
  SpecialAnswer answer{true, {}};
  if (qtype == rrtype::kA) {
    answer.records.push_back({qname, qtype, kSpecialTtl_s, std::string("\x7f\0\0\x01", 4)});
  } else if (qtype == rrtype::kAaaa) {
    answer.records.push_back({qname, qtype, kSpecialTtl_s, std::string(15, '\0') + '\x01'});
  }
  return answer;
}

std::vector<std::string_view> Labels(const DomainName& name) {
  std::vector<std::string_view> labels;
  const std::string_view wire = name.wire();
  for (size_t at = 0; wire[at] != 0; at += 1U + static_cast<uint8_t>(wire[at])) {
    labels.push_back(wire.substr(at + 1, static_cast<uint8_t>(wire[at])));
  }
  return labels;
}

// A number in the only form that a reverse name has: no sign, no leading zero.
std::optional<uint8_t> Octet(std::string_view label, int base) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value, base);
  if (error != std::errc() || end != label.data() + label.size() || value > 255) {
    return std::nullopt;
  }
  if (label.size() > 1 && label[0] == '0') return std::nullopt;
  return static_cast<uint8_t>(value);
}

std::optional<IpAddress> ReverseV4(const std::vector<std::string_view>& labels) {
  std::array<uint8_t, 4> octets{};
  for (size_t i = 0; i < octets.size(); ++i) {
    const auto octet = Octet(labels[octets.size() - 1 - i], 10);
    if (!octet) return std::nullopt;
    octets[i] = *octet;
  }
  return IpAddress(octets);
}

std::optional<IpAddress> ReverseV6(const std::vector<std::string_view>& labels) {
  std::array<uint8_t, 16> octets{};
  for (size_t nibble = 0; nibble < 32; ++nibble) {
    const std::string_view label = labels[31 - nibble];
    const auto value = label.size() == 1 ? Octet(label, 16) : std::nullopt;
    if (!value) return std::nullopt;
    octets[nibble / 2] = static_cast<uint8_t>(octets[nibble / 2] << 4 | *value);
  }
  return IpAddress(octets);
}

}  // namespace

std::optional<SpecialAnswer> AnswerSpecialName(const DomainName& qname, uint16_t qtype) {
  static const DomainName kLocalhost = Name("localhost");
  static const std::array kNonexistent = {Name("invalid"), Name("onion"), Name("alt"),
                                          Name("resolver.arpa"), Name("use-application-dns.net")};
  if (qname.IsAtOrBelow(kLocalhost)) return Localhost(qname, qtype);
  if (std::any_of(kNonexistent.begin(), kNonexistent.end(),
                  [&](const DomainName& name) { return qname.IsAtOrBelow(name); })) {
    return SpecialAnswer{};
  }
  return std::nullopt;
}

bool IsReverseName(const DomainName& qname) {
  static const DomainName kArpa = Name("arpa");
  static const DomainName kInAddr = Name("in-addr.arpa");
  static const DomainName kIp6 = Name("ip6.arpa");
  return qname.IsAtOrBelow(kInAddr) || qname.IsAtOrBelow(kIp6) || qname == kArpa;
}

bool IsAboveAddresses(const DomainName& qname) {
  if (!IsReverseName(qname)) return false;
  const auto labels = Labels(qname);
  const bool v6 = labels.size() > 1 && labels[labels.size() - 2] == "ip6";
  return labels.size() < (v6 ? kLabelsV6 : kLabelsV4);
}

std::optional<IpAddress> ReverseAddress(const DomainName& qname) {
  if (!IsReverseName(qname)) return std::nullopt;
  const auto labels = Labels(qname);
  if (labels.size() == kLabelsV4 && labels[4] == "in-addr") return ReverseV4(labels);
  if (labels.size() == kLabelsV6 && labels[32] == "ip6") return ReverseV6(labels);
  return std::nullopt;
}

}  // namespace namegate::resolver
