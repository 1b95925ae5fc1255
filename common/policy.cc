#include "common/policy.h"

#include <algorithm>
#include <utility>

namespace namegate {
namespace {

const DomainName& Localhost() {
  static const DomainName name = DomainName::FromText("localhost").value();
  return name;
}

bool IsTheLoopbackAddress(const IpAddress& address) {
  static const IpAddress kV6Loopback = IpAddress::FromText("::1").value();
  return address == IpAddress::V4(127, 0, 0, 1) || address == kV6Loopback;
}

}  // namespace

Policy::Policy(std::vector<Rule> rules) : rules_(std::move(rules)) {
  for (const Rule& rule : rules_) {
    if (rule.kind == HostKind::kPrefix || rule.MatchesName(Localhost())) {
      by_address_.push_back(&rule);
    }
    if (rule.kind == HostKind::kPrefix) continue;
    by_name_[rule.name].push_back(&rule);
    // A wildcard's own domain has allowed names below it as well.
    const bool wildcard = rule.kind != HostKind::kName;
    DomainName ancestor = wildcard ? rule.name : rule.name.parent();
    for (; !ancestor.is_root(); ancestor = ancestor.parent()) ancestors_.insert(ancestor);
    ancestors_.insert(ancestor);
  }
}

std::vector<const Rule*> Policy::RulesForName(const DomainName& name) const {
  std::vector<const Rule*> matching;
  DomainName candidate = name;
  while (true) {
    if (const auto found = by_name_.find(candidate); found != by_name_.end()) {
      std::copy_if(found->second.begin(), found->second.end(), std::back_inserter(matching),
                   [&](const Rule* rule) { return rule->MatchesName(name); });
    }
    if (candidate.is_root()) break;
    candidate = candidate.parent();
  }
  // Rules stand in one vector, so the order of their addresses is the order they were given in.
  std::sort(matching.begin(), matching.end());
  return matching;
}

const Rule* Policy::RuleForAddress(const IpAddress& address, uint16_t port,
                                   Protocol protocol) const {
  for (const Rule* rule : by_address_) {
    if (rule->protocol != protocol || !rule->CoversPort(port)) continue;
    const bool covers = rule->kind == HostKind::kPrefix ? rule->prefix.Contains(address)
                                                        : IsTheLoopbackAddress(address);
    if (covers) return rule;
  }
  return nullptr;
}

bool Policy::HasAllowedNameBelow(const DomainName& name) const { return ancestors_.contains(name); }

std::string Policy::ToText() const {
  std::string text;
  for (const Rule& rule : rules_) {
    text += rule.text;
    if (rule.allow_private) text += " private";
    text += '\n';
  }
  return text;
}

Result<std::vector<Rule>> Policy::RulesFromText(std::string_view text) {
  constexpr std::string_view kPrivate = " private";
  std::vector<Rule> rules;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const bool allow_private = line.ends_with(kPrivate);
    if (allow_private) line.remove_suffix(kPrivate.size());
    auto rule = Rule::FromText(line);
    if (!rule) return rule.error();
    rule->allow_private = allow_private;
    rules.push_back(std::move(rule).value());
  }
  return rules;
}

}  // namespace namegate
