#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_recorder.h"
#include "resolver/ledger_rows.h"
#include "resolver/ledger_sealer.h"

namespace namegate::resolver {

// Commits groups of rows, each with its seal: all of a group, or none of it.
class LedgerGroupWriter {
 public:
  // `database` must outlive the object.
  static Result<std::unique_ptr<LedgerGroupWriter>> Create(Database& database,
                                                           std::optional<SealKey> key);
  LedgerGroupWriter(const LedgerGroupWriter&) = delete;
  LedgerGroupWriter& operator=(const LedgerGroupWriter&) = delete;

  struct Outcome {
    std::vector<bool> committed;  // one per row
    std::string trouble;          // the first failure; empty if there was none
    // The ledger itself cannot be written, rather than one row being wrong.
    bool ledger_failed = false;
  };
  Outcome Commit(std::span<const LedgerRow> rows);

  // Closes the sessions that are open in the ledger and had an owner.
  Result<void> CloseOwnedSessions(int64_t time_us, const std::string& why);
  // The end of the chain of seals, "NUMBER:DIGEST".
  std::string head() const { return sealer_->head(); }

 private:
  struct Failure {
    std::string why;
    bool of_a_row = false;  // a row is at fault, others can be written
  };

  explicit LedgerGroupWriter(Database& database) : database_(database) {}
  // Nothing if all are committed; otherwise none is.
  std::optional<Failure> TryCommit(std::span<const LedgerRow> rows);
  Result<void> Write(std::span<const LedgerRow> rows);
  Result<void> SealAndCommit();
  Outcome CommitOneByOne(std::span<const LedgerRow> rows);
  void RollBack();

  Database& database_;
  std::unique_ptr<LedgerRecorder> recorder_;
  std::unique_ptr<LedgerSealer> sealer_;
  Prepared begin_{"BEGIN IMMEDIATE", {}};
  Prepared commit_{"COMMIT", {}};
  Prepared rollback_{"ROLLBACK", {}};
};

}  // namespace namegate::resolver
