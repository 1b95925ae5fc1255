#include "gate/command/session_rules.h"

#include <chrono>

#include "common/policy_file.h"

namespace namegate::command {
namespace {

constexpr size_t kMaxLabel = 100;  // it is a word in tables, not a description

std::chrono::year_month_day Today() {
  return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
}

Result<void> AddArguments(const char* option, const std::vector<std::string>& texts,
                          std::vector<std::string>& rules) {
  for (const std::string& text : texts) {
    auto rule = Rule::FromText(text);
    if (!rule) return Error{std::string(option) + ": " + rule.error().message};
    rules.push_back(std::move(rule->text));
  }
  return {};
}

Result<void> AddFile(const std::string& path, SessionRules& rules) {
  auto file = ReadPolicyFile(path, Today());
  if (!file) return file.error();
  for (Rule& rule : file->rules) {
    (rule.allow_private ? rules.allow_private : rules.allow).push_back(std::move(rule.text));
  }
  rules.expired = std::move(file->expired);
  return {};
}

}  // namespace

void SessionRules::AddTo(nlohmann::json& request) const {
  request["allow"] = allow;
  request["allow_private"] = allow_private;
}

Result<SessionRules> ReadSessionRules(const RuleOptions& options) {
  SessionRules rules;
  if (auto added = AddArguments("--allow", options.allow, rules.allow); !added) {
    return added.error();
  }
  if (auto added = AddArguments("--allow-private", options.allow_private, rules.allow_private);
      !added) {
    return added.error();
  }
  if (options.policy) {
    if (auto added = AddFile(*options.policy, rules); !added) return added.error();
  }
  return rules;
}

Result<void> CheckLabel(const std::string& label) {
  if (label.empty() || label.size() > kMaxLabel) {
    return Error{"--label: 1 to " + std::to_string(kMaxLabel) + " characters, please"};
  }
  bool number = true;
  for (const char c : label) {
    if (c < 0x20 || c > 0x7e) return Error{"--label: only printable ASCII characters, please"};
    number = number && c >= '0' && c <= '9';
  }
  if (number) return Error{"--label: a number would be taken for a session's id; add a letter"};
  return {};
}

}  // namespace namegate::command
