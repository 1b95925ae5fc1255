#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_recorder.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// Commits groups of rows: all of a group, or none of it.
class LedgerGroupWriter {
 public:
  // `database` must outlive the object.
  static Result<std::unique_ptr<LedgerGroupWriter>> Create(Database& database);
  LedgerGroupWriter(const LedgerGroupWriter&) = delete;
  LedgerGroupWriter& operator=(const LedgerGroupWriter&) = delete;

  struct Outcome {
    std::vector<bool> committed;  // one per row
    std::string trouble;          // the first failure; empty if there was none
    // The ledger itself cannot be written, rather than one row being wrong.
    bool ledger_failed = false;
  };
  Outcome Commit(std::span<const LedgerRow> rows);

  Result<void> CloseOpenSessions(int64_t time_us, const std::string& why);

 private:
  struct Failure {
    std::string why;
    bool of_a_row = false;  // a row is at fault, others can be written
  };

  explicit LedgerGroupWriter(Database& database) : database_(database) {}
  // Nothing if all are committed; otherwise none is.
  std::optional<Failure> TryCommit(std::span<const LedgerRow> rows);
  Result<void> Write(std::span<const LedgerRow> rows);
  Outcome CommitOneByOne(std::span<const LedgerRow> rows);
  void RollBack();

  Database& database_;
  std::unique_ptr<LedgerRecorder> recorder_;
  Prepared begin_{"BEGIN IMMEDIATE", {}};
  Prepared commit_{"COMMIT", {}};
  Prepared rollback_{"ROLLBACK", {}};
};

}  // namespace namegate::resolver
