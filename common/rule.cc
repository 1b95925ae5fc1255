#include "common/rule.h"

#include <libpsl.h>

#include <algorithm>

#include "common/escape.h"
#include "common/record_type.h"

namespace namegate {
namespace {

// Enough for every rule one would write by hand; bounds what one rule can cost at each verdict.
constexpr size_t kMaxPortRanges = 32;

Error BadRule(std::string_view text, const std::string& why) {
  return Error{"rule '" + Printable(text) + "': " + why};
}

// The two sides of the colon in front of the ports. IPv6 hosts stand in brackets, and a prefix
// length may stand inside or behind them.
struct Split {
  std::string_view host;
  std::string_view ports;
};

Result<Split> SplitRule(std::string_view rule, std::string_view text) {
  if (rule.starts_with('[')) {
    if (rule.find(']') == std::string_view::npos) {
      return BadRule(text, "the bracket is not closed; write [2001:db8::7]:443");
    }
    const size_t colon = rule.find(':', rule.find(']'));
    if (colon == std::string_view::npos) {
      return BadRule(text, "the port is missing; write " + Printable(rule) + ":443");
    }
    return Split{rule.substr(0, colon), rule.substr(colon + 1)};
  }
  if (std::count(rule.begin(), rule.end(), ':') > 1) {
    return BadRule(text, "put an IPv6 address in brackets: [2001:db8::7]:443");
  }
  const size_t colon = rule.find(':');
  if (colon == std::string_view::npos) {
    return BadRule(text, "the port is missing; write " + Printable(rule) + ":443");
  }
  return Split{rule.substr(0, colon), rule.substr(colon + 1)};
}

Result<std::vector<PortRange>> ParsePorts(std::string_view ports, std::string_view text) {
  std::vector<PortRange> ranges;
  for (size_t at = 0; at <= ports.size();) {
    const size_t comma = std::min(ports.find(',', at), ports.size());
    const std::string_view item = ports.substr(at, comma - at);
    const size_t dash = item.find('-');
    const auto first = ParsePort(item.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : ParsePort(item.substr(dash + 1));
    if (!first || !last || *first > *last) {
      return BadRule(text,
                     "'" + Printable(item) + "' is not a port; write 443, or 80,443, or 8000-8010");
    }
    ranges.push_back({*first, *last});
    if (ranges.size() > kMaxPortRanges) {
      return BadRule(text, "more than 32 port ranges; split it into several rules");
    }
    at = comma + 1;
  }
  return ranges;
}

Result<Protocol> ParseProtocol(std::string_view protocol, std::string_view text) {
  if (protocol == "tcp") return Protocol::kTcp;
  if (protocol == "udp") return Protocol::kUdp;
  return BadRule(text, "'" + Printable(protocol) + "' is not a protocol; write /tcp or /udp");
}

// "[2001:db8::]/32" and "[2001:db8::/32]" are both what people write.
std::string WithoutBrackets(std::string_view host) {
  std::string bare(host);
  std::erase_if(bare, [](char c) { return c == '[' || c == ']'; });
  return bare;
}

bool LooksLikeAddress(std::string_view host) {
  return host.starts_with('[') || host.find('/') != std::string_view::npos ||
         std::all_of(host.begin(), host.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

// A wildcard on a public suffix (*.com, *.co.uk, *.github.io) would allow names of any owner.
bool IsPublicSuffix(const DomainName& name) {
  if (name.is_root()) return true;
  return psl_is_public_suffix(psl_builtin(), name.ToText().c_str()) == 1;
}

// The name kinds: HOST, *.HOST, **.HOST.
Result<void> ParseNameHost(std::string_view host, std::string_view text, Rule& rule) {
  std::string_view bare = host;
  if (host.starts_with("**.")) {
    rule.kind = HostKind::kAnyLabelsBelow;
    bare.remove_prefix(3);
  } else if (host.starts_with("*.")) {
    rule.kind = HostKind::kOneLabelBelow;
    bare.remove_prefix(2);
  }
  if (bare.find('*') != std::string_view::npos) {
    return BadRule(text,
                   "a wildcard stands for whole labels in front: *.example.org or **.example.org");
  }
  auto name = DomainName::FromText(bare);
  if (!name) return BadRule(text, name.error().message);
  if (name->is_root() || !name->HasOnlyHostLabels()) {
    return BadRule(text,
                   "a host has only letters, digits, hyphens and underscores between its dots");
  }
  // An escape can spell digits; shown without it the name would read as an address.
  if (LooksLikeAddress(name->ToText())) {
    return BadRule(text, "'" + name->ToText() + "' reads like an address, but is none");
  }
  rule.name = std::move(name).value();
  return {};
}

Result<void> RefusePublicSuffix(const Rule& rule, std::string_view text) {
  if (rule.kind == HostKind::kName || !IsPublicSuffix(rule.name)) return {};
  return BadRule(text, "anyone can register a name under '" + rule.name.ToText() +
                           "'; put the owner's own domain behind the wildcard");
}

std::string HostText(const Rule& rule) {
  switch (rule.kind) {
    case HostKind::kName:
      return rule.name.ToText();
    case HostKind::kOneLabelBelow:
      return "*." + rule.name.ToText();
    case HostKind::kAnyLabelsBelow:
      return "**." + rule.name.ToText();
    case HostKind::kPrefix:
      break;
  }
  if (rule.prefix.base().is_v4()) return rule.prefix.ToText();
  std::string bracketed = "[" + rule.prefix.base().ToText() + "]";
  if (rule.prefix.length() != 128) bracketed += "/" + std::to_string(rule.prefix.length());
  return bracketed;
}

std::string CanonicalText(const Rule& rule) {
  std::string text = HostText(rule);
  for (size_t i = 0; i < rule.types.size(); ++i) {
    text += (i == 0 ? "/" : ",") + TypeName(rule.types[i]);
  }
  if (rule.ports.empty()) return text;
  text += ":";
  for (size_t i = 0; i < rule.ports.size(); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(rule.ports[i].first);
    if (rule.ports[i].last != rule.ports[i].first) text += "-" + std::to_string(rule.ports[i].last);
  }
  if (rule.protocol == Protocol::kUdp) text += "/udp";
  return text;
}

// HOST/TYPES. Nothing in it is a port, so that a colon anywhere means HOST:PORTS.
bool LooksLikeTypes(std::string_view text) {
  const size_t slash = text.find('/');
  return slash != std::string_view::npos && text.find(':') == std::string_view::npos &&
         !LooksLikeAddress(text.substr(0, slash));
}

Result<std::vector<uint16_t>> ParseTypes(std::string_view types, std::string_view text) {
  std::vector<uint16_t> parsed;
  for (size_t at = 0; at <= types.size();) {
    const size_t comma = std::min(types.find(',', at), types.size());
    const std::string_view item = types.substr(at, comma - at);
    const auto type = TypeFromName(item);
    if (!type) {
      return BadRule(text,
                     "'" + Printable(item) +
                         "' is not a record type; write example.org/TXT or example.org/MX,TXT");
    }
    if (const char* why = WhyTypeCannotBeAllowed(*type)) {
      return BadRule(text, TypeName(*type) + " cannot be allowed by type: " + why);
    }
    parsed.push_back(*type);
    if (parsed.size() > kMaxPortRanges) return BadRule(text, "more than 32 record types");
    at = comma + 1;
  }
  return parsed;
}

Result<Rule> ParseTypeRule(std::string_view text) {
  const size_t slash = text.find('/');
  Rule rule;
  if (auto host = ParseNameHost(text.substr(0, slash), text, rule); !host) return host.error();
  if (auto owned = RefusePublicSuffix(rule, text); !owned) return owned.error();
  auto types = ParseTypes(text.substr(slash + 1), text);
  if (!types) return types.error();
  rule.types = std::move(types).value();
  rule.text = CanonicalText(rule);
  return rule;
}

}  // namespace

bool Rule::MatchesName(const DomainName& asked) const {
  switch (kind) {
    case HostKind::kName:
      return asked == name;
    case HostKind::kOneLabelBelow:
      return asked.label_count() == name.label_count() + 1 && asked.IsAtOrBelow(name);
    case HostKind::kAnyLabelsBelow:
      return asked != name && asked.IsAtOrBelow(name);
    case HostKind::kPrefix:
      return false;
  }
  return false;
}

bool Rule::CoversPort(uint16_t port) const {
  return std::any_of(ports.begin(), ports.end(),
                     [port](const PortRange& r) { return r.first <= port && port <= r.last; });
}

bool Rule::CoversType(uint16_t type) const {
  return std::find(types.begin(), types.end(), type) != types.end();
}

Result<Rule> Rule::FromHost(std::string_view host) {
  Rule rule;
  if (auto parsed = ParseNameHost(host, host, rule); !parsed) return parsed.error();
  rule.text = HostText(rule);
  return rule;
}

Result<Rule> Rule::FromText(std::string_view text) {
  if (text.empty()) return BadRule(text, "it is empty; write HOST:PORT, such as pypi.org:443");
  if (text.find("://") != std::string_view::npos) {
    return BadRule(text, "write HOST:PORT instead of a URL, such as pypi.org:443");
  }
  if (LooksLikeTypes(text)) return ParseTypeRule(text);
  Rule rule;
  auto split = SplitRule(text, text);
  if (!split) return split.error();
  std::string_view ports = split->ports;
  if (const size_t slash = ports.find('/'); slash != std::string_view::npos) {
    auto protocol = ParseProtocol(ports.substr(slash + 1), text);
    if (!protocol) return protocol.error();
    rule.protocol = *protocol;
    ports = ports.substr(0, slash);
  }
  auto ranges = ParsePorts(ports, text);
  if (!ranges) return ranges.error();
  rule.ports = std::move(ranges).value();

  if (LooksLikeAddress(split->host)) {
    const auto prefix = IpPrefix::FromText(WithoutBrackets(split->host));
    if (!prefix) {
      return BadRule(text, "'" + Printable(split->host) +
                               "' is not an address or range; write 192.0.2.7:443, "
                               "192.0.2.0/24:443 or [2001:db8::]/32:443");
    }
    rule.kind = HostKind::kPrefix;
    rule.prefix = *prefix;
  } else {
    if (auto host = ParseNameHost(split->host, text, rule); !host) return host.error();
    if (auto owned = RefusePublicSuffix(rule, text); !owned) return owned.error();
  }
  rule.text = CanonicalText(rule);
  return rule;
}

}  // namespace namegate
