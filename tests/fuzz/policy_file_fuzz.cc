// A policy file comes from the repository whose code is to be confined.

#include "common/policy.h"
#include "common/policy_file.h"
#include "tests/fuzz/promise.h"

namespace namegate::testing {
namespace {

void TryInput(const uint8_t* data, size_t size) {
  using namespace std::chrono_literals;
  const std::string text(Text(data, size));
  const auto file = ParsePolicyFile(text, "p.toml", 2026y / 11 / 23);
  if (!file) {
    Promise(file.error().message.starts_with("p.toml:"), "a refusal names the place");
    Promise(IsPrintable(file.error().message), "a refusal is printable");
    return;
  }
  const Policy policy(file->rules);
  for (const Rule& rule : policy.rules()) {
    Promise(rule.kind != HostKind::kName || !policy.RulesForName(rule.name).empty(),
            "a policy finds the names of its rules");
  }
  Promise(policy.RulesForName(DomainName()).empty(), "no policy allows the root");
}

}  // namespace
}  // namespace namegate::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namegate::testing::TryInput(data, size);
  return 0;
}
