#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/rule.h"

namespace namegate {

// What a policy file (.namegate.toml) asks for.
struct PolicyFile {
  std::vector<Rule> rules;
  // Rules left out because their `expires` is past: each as it stands in the file.
  std::vector<std::string> expired;
};

// Reads and checks a whole policy file; `today` decides which rules have expired (a rule holds
// through the day it names). Any mistake refuses the file, with "FILE:LINE:COLUMN: mistake; fix".
Result<PolicyFile> ReadPolicyFile(const std::string& path, std::chrono::year_month_day today);
Result<PolicyFile> ParsePolicyFile(const std::string& text, const std::string& path,
                                   std::chrono::year_month_day today);

}  // namespace namegate
