#include "common/policy_file.h"

#include <optional>

#include "common/toml_reader.h"

namespace namegate {
namespace {

std::chrono::year_month_day ToDate(const toml::date& date) {
  return std::chrono::year(date.year) / std::chrono::month(date.month) / std::chrono::day(date.day);
}

class PolicyReader {
 public:
  PolicyReader(const TomlFile& file, std::chrono::year_month_day today)
      : file_(file), today_(today) {}

  Result<PolicyFile> Read() {
    const toml::table& root = file_.root();
    if (auto known = file_.OnlyKeys(root, {"version", "allow"}); !known) return known.error();
    const toml::node* version = root.get("version");
    if (version == nullptr) return file_.At(root, "version is missing; write version = 1 first");
    if (auto one = file_.Integer(*version, "version", 1, 1); !one) return one.error();
    if (const toml::node* allow = root.get("allow")) {
      if (!allow->is_array()) {
        return file_.At(*allow, "allow must be a list of rules: allow = [\"pypi.org:443\"]");
      }
      for (const toml::node& entry : *allow->as_array()) {
        if (auto added = AddEntry(entry); !added) return added.error();
      }
    }
    return std::move(policy_);
  }

 private:
  Result<void> AddEntry(const toml::node& entry) {
    if (const toml::table* table = entry.as_table()) return AddTable(*table);
    if (entry.is_string()) return AddRule(entry, {});
    return file_.At(entry,
                    "a rule is a string or a table: \"pypi.org:443\" or { to = \"...\", ... }");
  }

  Result<void> AddTable(const toml::table& table) {
    if (auto known = file_.OnlyKeys(table, {"to", "private", "reason", "expires"}); !known) {
      return known.error();
    }
    const toml::node* to = table.get("to");
    if (to == nullptr) {
      return file_.At(table, "to is missing; write { to = \"db.example.org:5432\", ... }");
    }
    return AddRule(*to, table);
  }

  Result<void> AddRule(const toml::node& to, const toml::table& options) {
    auto text = file_.String(to, "a rule");
    if (!text) return text.error();
    auto rule = Rule::FromText(*text);
    if (!rule) return file_.At(to, rule.error().message);
    if (const toml::node* node = options.get("private")) {
      auto value = file_.Boolean(*node, "private");
      if (!value) return value.error();
      rule->allow_private = *value;
    }
    if (const toml::node* node = options.get("reason")) {
      auto value = file_.String(*node, "reason");
      if (!value) return value.error();
      rule->reason = std::move(value).value();
    }
    if (const toml::node* node = options.get("expires")) {
      const auto date = node->value_exact<toml::date>();
      if (!date || !ToDate(*date).ok()) {
        return file_.At(*node, "expires must be a date without quotes: expires = 2027-01-31");
      }
      if (ToDate(*date) < today_) {
        policy_.expired.push_back(rule->text);
        return {};
      }
    }
    policy_.rules.push_back(std::move(rule).value());
    return {};
  }

  const TomlFile& file_;
  std::chrono::year_month_day today_;
  PolicyFile policy_;
};

}  // namespace

Result<PolicyFile> ReadPolicyFile(const std::string& path, std::chrono::year_month_day today) {
  auto file = TomlFile::Read(path);
  if (!file) return file.error();
  return PolicyReader(*file, today).Read();
}

Result<PolicyFile> ParsePolicyFile(const std::string& text, const std::string& path,
                                   std::chrono::year_month_day today) {
  auto file = TomlFile::FromText(text, path);
  if (!file) return file.error();
  return PolicyReader(*file, today).Read();
}

}  // namespace namegate
