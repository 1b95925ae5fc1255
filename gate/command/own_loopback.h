#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "gate/command/session_rules.h"

namespace namegate::command {

// In an enclave loopback is the command's own: nothing is denied there, and nothing of the host is
// found. Who meant the host's must be told, or a refused connection is all there is to see.

// The rules that lead to loopback and nowhere else.
std::vector<std::string> RulesForLoopback(const SessionRules& rules);

// The names that the ledger at `ledger_path` says were answered to the session with a loopback
// address, each with it, at most ten lines, and a head line. Empty if there were none.
Result<std::string> SummariseLoopbackAnswers(const std::string& ledger_path, int64_t session);

}  // namespace namegate::command
