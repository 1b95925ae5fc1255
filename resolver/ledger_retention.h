#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "common/ledger_anchor.h"
#include "common/result.h"
#include "common/retention.h"
#include "common/sqlite.h"
#include "resolver/ledger_chain_check.h"
#include "resolver/ledger_group.h"
#include "resolver/ledger_removal.h"

namespace namegate::resolver {

// Keeps the ledger within the age and size that the operator wants. For the writer's thread alone,
// which calls Step() between two groups when it is due: a few milliseconds each time, and half of
// the time at most while there is something to do.
class LedgerRetention {
 public:
  using Clock = std::chrono::steady_clock;

  // The database and the groups must outlive the object.
  LedgerRetention(Database& database, LedgerGroupWriter& groups, const Retention& wanted);

  Clock::time_point next() const { return next_; }
  // Trouble is logged, and what was begun is gone on with later; but if the ledger turns out to be
  // damaged, that is an error.
  Result<void> Step();

 private:
  // What there is to do, one after the other.
  enum class Stage { kLook, kFindMarks, kCheck, kRemove, kShrink };

  Result<void> DoStage(Clock::time_point deadline);
  Result<void> Look();
  Result<bool> IsRecorded(const ChainAnchor& removal);
  Result<void> Refuse(const ChainAnchor& removal);
  Result<bool> ChooseByAge();
  Result<bool> ChooseBySize();
  Result<bool> ChooseSeal(const std::string& where, int64_t bound, const char* why);
  Result<void> FindMarks();
  Result<void> Check(Clock::time_point deadline);
  Result<void> Notice(const std::string& kind, const std::string& text);
  Result<void> Remove(Clock::time_point deadline);
  Result<void> Shrink();
  void Rest();

  Database& database_;
  LedgerGroupWriter& groups_;
  const Retention wanted_;
  const std::chrono::microseconds interval_;  // between two looks
  Stage stage_ = Stage::kLook;
  Clock::time_point next_;
  // The seal up to which is to be removed, and where the search for its marks has come to.
  std::optional<ChainAnchor> last_;
  ChainAnchor chosen_;
  int64_t marks_before_ = 0;
  std::unique_ptr<ChainCheck> check_;
  std::unique_ptr<LedgerRemoval> removal_;
  int64_t refused_ = 0;  // the removal that was refused last
};

}  // namespace namegate::resolver
