// Rules come from policy files and command lines, which repositories and users write.

#include "common/rule.h"
#include "tests/fuzz/promise.h"

namespace namegate::testing {
namespace {

void CheckRule(const Rule& rule) {
  Promise(rule.ports.empty() != rule.types.empty(), "a rule opens ports or types of records");
  for (const PortRange& range : rule.ports) {
    Promise(range.first >= 1 && range.first <= range.last, "a port range is in order");
    Promise(rule.CoversPort(range.first) && rule.CoversPort(range.last), "a rule covers its ports");
  }
  Promise(!rule.CoversPort(0), "no rule covers port 0");
  Promise(IsPrintable(rule.text), "the text of a rule is printable");
  Promise(rule.kind == HostKind::kPrefix || !rule.name.is_root(), "no rule is for the root");
  const bool exact = rule.kind == HostKind::kName;
  Promise(rule.kind == HostKind::kPrefix || rule.MatchesName(rule.name) == exact,
          "a wildcard never implies its apex");
  const auto again = Rule::FromText(rule.text);
  Promise(again && again->text == rule.text && again->ports == rule.ports &&
              again->types == rule.types && again->name == rule.name &&
              again->prefix == rule.prefix && again->protocol == rule.protocol &&
              again->kind == rule.kind,
          "a rule survives its canonical text");
}

void TryInput(const uint8_t* data, size_t size) {
  const auto rule = Rule::FromText(Text(data, size));
  if (rule) {
    CheckRule(*rule);
  } else {
    Promise(IsPrintable(rule.error().message), "a refusal is printable");
  }
}

}  // namespace
}  // namespace namegate::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namegate::testing::TryInput(data, size);
  return 0;
}
