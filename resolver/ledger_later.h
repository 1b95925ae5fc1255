#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_interned.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// What happens to sessions and connections after they began, each a row of its own.
class LedgerLater {
 public:
  // A connection up to `removed` may be gone.
  Result<void> Prepare(Database& database, int64_t removed);
  // Notes in `used` from now on which connections rows are about, until it is null.
  void NoteUses(UsedIds* used);

  Result<void> Record(const SessionClosedRow& row);
  // Nothing, if retention has removed the connection, or its ending is there: one that seemed to
  // have failed comes again.
  Result<void> Record(const ConnectionEndedRow& row);
  // `policy` is the id of the row's policy.
  Result<void> Record(const PolicyChangedRow& row, int64_t policy);
  Result<void> RecordExposure(int64_t session, const std::string& path);
  Result<void> RecordCount(int64_t connection, uint64_t count);

 private:
  Result<bool> IsThere(int64_t connection);

  UsedIds* used_ = nullptr;
  int64_t removed_connections_ = kNoMark;
  Prepared select_connection_{"SELECT connection_id FROM connection WHERE connection_id = ?", {}};
  Prepared insert_closing_{
      "INSERT INTO session_closing (session_id, closed_us, why) VALUES (?, ?, ?)", {}};
  Prepared insert_ending_{
      "INSERT INTO connection_ending (connection_id, closed_us, bytes_out, bytes_in, how)"
      " VALUES (?, ?, ?, ?, ?) ON CONFLICT (connection_id) DO NOTHING",
      {}};
  Prepared insert_change_{
      "INSERT INTO policy_change (session_id, time_us, policy_id) VALUES (?, ?, ?)", {}};
  Prepared insert_exposure_{"INSERT INTO exposure (session_id, path) VALUES (?, ?)", {}};
  Prepared insert_count_{"INSERT INTO connection_count (connection_id, count) VALUES (?, ?)", {}};
};

}  // namespace namegate::resolver
