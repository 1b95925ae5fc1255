#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"

namespace namegate::resolver {

// True for what SQLite says when a file contradicts itself (https://sqlite.org/rescode.html).
bool IsDamage(int sqlite_code);

// True if the file at `path` is empty or missing while its write-ahead log is neither: SQLite would
// take it for a new one and throw the log away.
bool HasLostItsBeginning(const std::string& path);

// True if the file at `path` begins as a ledger of Namegate, of any version, and SQLite cannot read
// it in order. Looks at all of it. Other files, and ledgers that nothing is wrong with, are none.
bool IsDamagedLedger(const std::string& path);

// Moves a ledger and its write-ahead log out of the way, so that one can be begun in its place: to
// the same path with ".damaged-2026-11-23T23-45-00Z" behind it. Gives the sentence that the new
// ledger is to say of it; `what` says how the damage showed. What was broken off is gone on with,
// and its sentence is given.
Result<std::string> SetLedgerAside(const std::string& path, const std::string& what,
                                   int64_t now_us);

// True from the beginning of that until the new ledger is there and says so: however it was broken
// off, SetLedgerAside() must come before anybody opens what is at `path`.
bool IsBeingSetAside(const std::string& path);
Result<void> FinishSettingAside(const std::string& path);

}  // namespace namegate::resolver
