// A policy file comes from the repository whose code is to be confined.

#include "common/policy.h"
#include "common/policy_file.h"
#include "tests/fuzz/promise.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace namegate;
  using namespace std::chrono_literals;
  const std::string text(testing::Text(data, size));
  const auto file = ParsePolicyFile(text, "p.toml", 2026y / 11 / 23);
  if (!file) {
    testing::Promise(file.error().message.starts_with("p.toml:"), "a refusal names the place");
    testing::Promise(testing::IsPrintable(file.error().message), "a refusal is printable");
    return 0;
  }
  const Policy policy(file->rules);
  for (const Rule& rule : policy.rules()) {
    testing::Promise(rule.kind != HostKind::kName || !policy.RulesForName(rule.name).empty(),
                     "a policy finds the names of its rules");
  }
  testing::Promise(policy.RulesForName(DomainName()).empty(), "no policy allows the root");
  return 0;
}
