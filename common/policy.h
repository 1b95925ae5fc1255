#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/result.h"
#include "common/rule.h"

namespace namegate {

// The compiled set of rules of a session. Look-ups cost a hash per label, whatever the
// number of rules. Pointers to rules are valid as long as the policy.
class Policy {
 public:
  Policy() = default;
  explicit Policy(std::vector<Rule> rules);
  Policy(const Policy&) = delete;  // the indexes below point into rules_
  Policy& operator=(const Policy&) = delete;
  // Rules stay where they are, and pointers to them valid.
  Policy(Policy&&) = default;
  Policy& operator=(Policy&&) = default;
  ~Policy() = default;

  const std::vector<Rule>& rules() const { return rules_; }

  // The rules that allow `name`, in the order they were given; empty means the name is denied.
  std::vector<const Rule*> RulesForName(const DomainName& name) const;
  // The first rule that allows this endpoint by address, without DNS; nullptr if none does.
  // A rule for "localhost" counts as one for 127.0.0.1 and ::1 (RFC 6761 §6.3).
  const Rule* RuleForAddress(const IpAddress& address, uint16_t port, Protocol protocol) const;
  // True if some allowed name lies below `name`: it must not be answered NXDOMAIN (RFC 8020).
  bool HasAllowedNameBelow(const DomainName& name) const;

  // One rule a line in canonical form, with " private" behind those that allow private answers:
  // the policy as it is recorded in the ledger.
  std::string ToText() const;
  // The rules of a policy that was recorded so.
  static Result<std::vector<Rule>> RulesFromText(std::string_view text);

 private:
  std::vector<Rule> rules_;
  std::unordered_map<DomainName, std::vector<const Rule*>> by_name_;
  std::vector<const Rule*> by_address_;
  std::unordered_set<DomainName> ancestors_;
};

}  // namespace namegate
