#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/domain_name.h"
#include "common/endpoint.h"
#include "common/result.h"

namespace namegate {

// Inclusive, 1 <= first <= last.
struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;

  friend bool operator==(const PortRange&, const PortRange&) = default;
};

// How a rule's host is compared.
enum class HostKind {
  kName,            // pypi.org: this name
  kOneLabelBelow,   // *.pypi.org: exactly one more label
  kAnyLabelsBelow,  // **.pypi.org: one or more labels
  kPrefix,          // 192.0.2.0/24: an address range, no DNS involved
};

// What may be reached: HOST:PORTS[/PROTO], such as "pypi.org:443", "*.example.org:80,443",
// "ntp.example.org:123/udp", "192.0.2.7:8000-8010", "[2001:db8::]/32:443". Or what else than
// addresses may be asked: HOST/TYPES, such as "example.org/MX,TXT"; such a rule opens no port.
struct Rule {
  HostKind kind = HostKind::kName;
  DomainName name;  // for the three name kinds: the name, or what stands behind the "*."
  IpPrefix prefix;  // for kPrefix
  std::vector<PortRange> ports;  // none in a HOST/TYPES rule
  std::vector<uint16_t> types;   // DNS types of a HOST/TYPES rule; none in others
  Protocol protocol = Protocol::kTcp;
  // The names of this rule may be answered with private, loopback and other special addresses.
  bool allow_private = false;
  std::string text;    // the rule in canonical form, as it is shown and recorded
  std::string reason;  // why the rule is there, as its author put it; may be empty

  bool MatchesName(const DomainName& asked) const;
  bool CoversPort(uint16_t port) const;
  bool CoversType(uint16_t type) const;

  // The error says what is wrong and gives a correct rule.
  static Result<Rule> FromText(std::string_view text);
  // Reads HOST alone, for lists of what is denied: no ports, and wildcards on public suffixes are
  // fine.
  static Result<Rule> FromHost(std::string_view host);

  friend bool operator==(const Rule&, const Rule&) = default;
};

}  // namespace namegate
