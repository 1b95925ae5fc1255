#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"

namespace namegate::command {

// What a command line says about a session's policy.
struct RuleOptions {
  std::vector<std::string> allow;          // --allow
  std::vector<std::string> allow_private;  // --allow-private
  std::optional<std::string> policy;       // --policy
};

// The rules of a session to be, each in canonical form.
struct SessionRules {
  std::vector<std::string> allow;
  std::vector<std::string> allow_private;
  std::vector<std::string> expired;  // left out: their date in the policy file is past

  bool empty() const { return allow.empty() && allow_private.empty(); }
  // Adds them to a session.open request.
  void AddTo(nlohmann::json& request) const;
};

// Checks every rule, and reads the policy file if one is named. The error quotes the option, or
// the file with line and column.
Result<SessionRules> ReadSessionRules(const RuleOptions& options);

// A label that can be shown and told from a session's number; else what is wrong with it.
Result<void> CheckLabel(const std::string& label);

}  // namespace namegate::command
