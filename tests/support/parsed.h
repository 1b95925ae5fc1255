#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/domain_name.h"
#include "common/rule.h"

// Names and rules that can be read as such.

namespace namegate::testing {

inline DomainName Name(std::string_view text) { return DomainName::FromText(text).value(); }

inline std::vector<Rule> Rules(const std::vector<std::string>& texts) {
  std::vector<Rule> rules;
  for (const std::string& text : texts) rules.push_back(Rule::FromText(text).value());
  return rules;
}

}  // namespace namegate::testing
