#include "gate/command/policy_command.h"

#include <chrono>

#include "common/policy_file.h"
#include "gate/command/output.h"

namespace namegate::command {
namespace {

nlohmann::json ToJson(const std::string& path, const PolicyFile& file) {
  nlohmann::json rules = nlohmann::json::array();
  for (const Rule& rule : file.rules) {
    rules.push_back(
        {{"rule", rule.text}, {"private", rule.allow_private}, {"reason", rule.reason}});
  }
  return {{"ok", true}, {"file", path}, {"rules", rules}, {"expired", file.expired}};
}

std::string ToTable(const PolicyFile& file) {
  std::vector<std::vector<std::string>> rows = {{"RULE", "PRIVATE", "REASON"}};
  for (const Rule& rule : file.rules) {
    rows.push_back({rule.text, rule.allow_private ? "yes" : "no", rule.reason});
  }
  for (const std::string& rule : file.expired) rows.push_back({rule, "", "expired, left out"});
  if (rows.size() == 1) return "no rules: a session with this file alone allows nothing\n";
  return FormatTable(rows);
}

int Refuse(const CommonOptions& common, const std::string& path, const std::string& why) {
  if (common.json) PrintJson({{"ok", false}, {"file", path}, {"error", why}});
  return common.json ? kTrouble : Fail(why);
}

}  // namespace

int CheckPolicy(const CommonOptions& common, const std::string& path) {
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const auto file = ReadPolicyFile(path, today);
  if (!file) return Refuse(common, path, file.error().message);
  if (common.json) {
    PrintJson(ToJson(path, *file));
  } else {
    Print(ToTable(*file));
  }
  return kOk;
}

}  // namespace namegate::command
