#pragma once

#include <functional>
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
    bool damaged = false;  // and it never will be: it contradicts itself
  };
  Outcome Commit(std::span<const LedgerRow> rows);

  // Runs `write` in a transaction of its own and seals what it inserts: all of it, or nothing.
  Result<void> Transact(const std::function<Result<void>()>& write);
  // True once Transact() has failed because the ledger contradicts itself.
  bool met_damage() const { return met_damage_; }
  // See LedgerRecorder::NoteUses().
  void NoteUses(UsedIds* used) { recorder_->NoteUses(used); }
  const std::optional<SealKey>& key() const { return sealer_->key(); }
  // Whether a seal of the ledger is one of this writer's key, or of none, over what its rows are.
  Result<bool> SealHolds(int64_t seal_id) const { return sealer_->Holds(seal_id); }
  // The end of the chain of seals, "NUMBER:DIGEST".
  std::string head() const { return sealer_->head(); }

 private:
  struct Failure {
    std::string why;
    bool of_a_row = false;  // a row is at fault, others can be written
    bool damage = false;    // the ledger contradicts itself
  };

  explicit LedgerGroupWriter(Database& database) : database_(database) {}
  // Nothing if all are committed; otherwise none is.
  std::optional<Failure> TryCommit(std::span<const LedgerRow> rows);
  Result<void> Write(std::span<const LedgerRow> rows);
  Result<void> SealAndCommit(int64_t time_us);
  Result<void> NoteNewKey();
  void CommitPart(std::span<const LedgerRow> rows, Outcome& outcome);
  void RollBack();

  Database& database_;
  std::unique_ptr<LedgerRecorder> recorder_;
  std::unique_ptr<LedgerSealer> sealer_;
  bool met_damage_ = false;
  Prepared begin_{"BEGIN IMMEDIATE", {}};
  Prepared commit_{"COMMIT", {}};
  Prepared rollback_{"ROLLBACK", {}};
};

}  // namespace namegate::resolver
