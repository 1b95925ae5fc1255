#pragma once

#include <string>

#include "common/result.h"
#include "common/sqlite.h"

namespace namegate {

// Opens the ledger at `path` to read it, while a daemon writes it or while none runs. Nothing of
// the ledger is changed. The errors say what to do: no file there, no right to read it, not a
// ledger, a ledger of another version.
Result<Database> OpenLedgerToRead(const std::string& path);

}  // namespace namegate
