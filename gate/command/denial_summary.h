#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"

namespace namegate::command {

// What the ledger at `ledger_path` says was denied to the session, each thing once with how often,
// why, and what would allow it; at most ten lines, and a head line. Empty if nothing was denied.
Result<std::string> SummariseDenials(const std::string& ledger_path, int64_t session);

}  // namespace namegate::command
