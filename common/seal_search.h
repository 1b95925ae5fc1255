#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"
#include "common/sqlite.h"

namespace namegate {

// Seals stand in the order of time, and so do the rows that they seal: a moment is found in a
// ledger of any size by halving.

// The number of the last seal whose `column`, time_us or a mark, is not above `bound`; a seal
// without the mark counts as the next one that has it. 0 if there is none.
Result<int64_t> LastSealUpTo(Database& ledger, const std::string& column, int64_t bound);

// The highest id that `mark` (a column of `seal`) names up to that seal; 0 if none does.
Result<int64_t> MarkAt(Database& ledger, const std::string& mark, int64_t seal_id);

// The seal before the one that a session was opened under. 0, no bound, if that one was removed:
// the next to open a session is of another, and what this one did before it would be left out.
Result<int64_t> SealBeforeSession(Database& ledger, int64_t session);

}  // namespace namegate
