#pragma once

#include <string>

#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_writer.h"

namespace namegate::resolver {

// Opens the ledger at `path` for writing: creates it if there is no file or an empty one, and
// migrates an older one, in one transaction or not at all. A file that is something else, or was
// written by a newer version, is left as it is and refused.
Result<Database> OpenLedgerFile(const std::string& path, Durability durability);

// A further connection to a ledger that OpenLedgerFile() opened before, for checkpoints alone.
Result<Database> OpenLedgerForCheckpoints(const std::string& path, Durability durability);

}  // namespace namegate::resolver
