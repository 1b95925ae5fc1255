#pragma once

#include <cstdint>
#include <optional>

#include "common/ledger_seal.h"
#include "common/result.h"
#include "common/sqlite.h"

namespace namegate::resolver {

// Whether a seal of `ledger` is what its rows, the seal before it and `key` give; false if it is
// not there, or was made with a key and there is none. Reads the rows of that one group.
Result<bool> SealHolds(Database& ledger, int64_t seal_id, const std::optional<SealKey>& key);

}  // namespace namegate::resolver
