#pragma once

#include <chrono>
#include <deque>
#include <memory>

#include "common/ledger_anchor.h"
#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_group.h"
#include "resolver/ledger_removal_jobs.h"
#include "resolver/ledger_used_ids.h"

namespace namegate::resolver {

// The removal of everything up to a seal that nothing later needs, on the writer's thread, in
// slices between the groups of rows.
//
// Theory of operation. A row of `removal`, sealed like any other, makes the seal the beginning of
// the chain. From then on the recorder notes every id of an earlier row that it uses (what it knew
// by heart it forgets first), so that rows written meanwhile hold what they need. Table by table,
// those first that hold rows of others: rows up to the mark go unless something holds them, then
// what stayed is read for what it holds in turn. At last what stayed is sealed anew (`kept`), and a
// row of `removal_done` says so. If the daemon is killed in the middle, the next one does it all
// once more: nothing is lost by removing again.
class LedgerRemoval {
 public:
  struct Counts {
    int64_t queries = 0;
    int64_t connections = 0;
    int64_t sessions = 0;
  };

  // Begins one up to a seal, whose number and marks `anchor` has: records it in the ledger.
  static Result<std::unique_ptr<LedgerRemoval>> Begin(Database& database, LedgerGroupWriter& groups,
                                                      ChainAnchor anchor);
  // Goes on with the one that `anchor` says is under way.
  static Result<std::unique_ptr<LedgerRemoval>> Resume(Database& database,
                                                       LedgerGroupWriter& groups,
                                                       ChainAnchor anchor);
  LedgerRemoval(const LedgerRemoval&) = delete;
  LedgerRemoval& operator=(const LedgerRemoval&) = delete;
  ~LedgerRemoval();

  // Works until about `deadline`, in one transaction. True when the removal is through. After an
  // error the object is of no use: what was done is done, the rest is for Resume().
  Result<bool> Step(std::chrono::steady_clock::time_point deadline);

  const Counts& removed() const { return removed_; }
  const ChainAnchor& anchor() const { return anchor_; }

 private:
  LedgerRemoval(Database& database, LedgerGroupWriter& groups, ChainAnchor anchor);
  Result<void> Record();
  Result<void> Start();
  Result<void> PlanTables();
  void PlanScans(const std::vector<ReferenceScan>& scans, const SealMarks& through);
  int64_t& CountOf(size_t table);
  Result<void> Work(std::chrono::steady_clock::time_point deadline);
  Result<void> ReadProgress();
  Result<void> RecordProgress();
  Result<void> RecordDone();

  Database& database_;
  LedgerGroupWriter& groups_;
  ChainAnchor anchor_;
  UsedIds used_;
  SealDigest kept_digest_;
  Counts removed_;
  int64_t uncounted_ = 0;
  std::deque<std::unique_ptr<RemovalJob>> jobs_;
  bool prepared_ = false;  // the job at the front
};

}  // namespace namegate::resolver
