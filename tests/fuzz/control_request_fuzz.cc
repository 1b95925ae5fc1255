// One line of the control socket. Only the operator may write there, but what he writes comes from
// scripts and policy files of others.

#include "resolver/control_request.h"
#include "tests/fuzz/promise.h"

namespace namegate::testing {
namespace {

using resolver::ControlRequest;

constexpr size_t kMaxRules = 10'000;

// What a session is opened with stands in its policy's text, and is read back from there.
void CheckRules(const std::vector<Rule>& rules) {
  Promise(rules.size() <= kMaxRules, "a session has a bounded number of rules");
  const auto again = Policy::RulesFromText(Policy(rules).ToText());
  Promise(again && *again == rules, "a policy reads back from its text");
}

void TryInput(const uint8_t* data, size_t size) {
  const auto request = resolver::ParseControlRequest(std::string(Text(data, size)));
  if (!request) {
    Promise(!request.error().message.empty() && IsPrintable(request.error().message),
            "a refusal can be shown");
    return;
  }
  CheckRules(request->open.rules);
  CheckRules(request->update.add);
}

}  // namespace
}  // namespace namegate::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namegate::testing::TryInput(data, size);
  return 0;
}
