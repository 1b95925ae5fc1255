#include "resolver/ledger_retention.h"

#include <algorithm>
#include <utility>

#include "common/seal_search.h"
#include "common/wall_clock.h"
#include "resolver/ledger_damage.h"
#include "resolver/log.h"

namespace namegate::resolver {
namespace {

// A slice between two groups: so short that no answer waits noticeably longer for its commit.
constexpr std::chrono::milliseconds kSlice{3};
constexpr std::chrono::microseconds kInterval = std::chrono::minutes(10);
constexpr std::chrono::microseconds kMinInterval = std::chrono::seconds(1);
constexpr std::chrono::microseconds kMaxLot = std::chrono::hours(24);
constexpr int64_t kMarkedSeals = 1'000;
constexpr int kShrunkPages = 64;

// Where a ledger that was too large is to end up: an eighth below what it may have, so that not
// every row that comes makes one go.
int64_t Roomy(int64_t max_bytes) { return max_bytes - max_bytes / 8; }

Result<int64_t> UsedBytes(Database& database) {
  int64_t pragmas[3] = {};
  const char* const names[] = {"page_count", "freelist_count", "page_size"};
  for (size_t i = 0; i < std::size(names); ++i) {
    auto value = database.QueryInteger(std::string("PRAGMA ") + names[i]);
    if (!value) return value.error();
    pragmas[i] = *value;
  }
  return (pragmas[0] - pragmas[1]) * pragmas[2];
}

}  // namespace

LedgerRetention::LedgerRetention(Database& database, LedgerGroupWriter& groups,
                                 const Retention& wanted)
    : database_(database),
      groups_(groups),
      wanted_(wanted),
      interval_(wanted.keep.count() == 0 ? kInterval
                                         : std::clamp(wanted.keep / 10, kMinInterval, kInterval)),
      next_(Clock::now()) {}

Result<void> LedgerRetention::Step() {
  const auto begun = Clock::now();
  if (auto done = DoStage(begun + kSlice); !done) {
    const bool damaged = groups_.met_damage() || IsDamage(sqlite3_errcode(database_.handle()));
    removal_.reset();
    check_.reset();
    Rest();
    if (damaged) return done;
    LogWarning("old rows of the ledger cannot be removed, which is tried again later: " +
               done.error().message);
  }
  if (stage_ == Stage::kLook) return {};
  // As long again for everything else.
  const auto now = Clock::now();
  next_ = now + (now - begun);
  return {};
}

void LedgerRetention::Rest() {
  stage_ = Stage::kLook;
  next_ = Clock::now() + interval_;
}

Result<void> LedgerRetention::DoStage(Clock::time_point deadline) {
  switch (stage_) {
    case Stage::kLook:
      return Look();
    case Stage::kFindMarks:
      return FindMarks();
    case Stage::kCheck:
      return Check(deadline);
    case Stage::kRemove:
      return Remove(deadline);
    case Stage::kShrink:
      return Shrink();
  }
  return {};
}

Result<void> LedgerRetention::Look() {
  auto last = ReadChainAnchor(database_);
  if (!last) return last.error();
  last_ = *std::move(last);
  if (last_) {
    auto recorded = IsRecorded(*last_);
    if (!recorded) return recorded.error();
    if (!*recorded) return Refuse(*last_);
  }
  if (last_ && !last_->kept_digest) {  // the daemon was stopped in the middle of it
    auto resumed = LedgerRemoval::Resume(database_, groups_, *last_);
    if (!resumed) return resumed.error();
    removal_ = *std::move(resumed);
    stage_ = Stage::kRemove;
    return {};
  }
  auto chosen = ChooseByAge();
  if (chosen && !*chosen) chosen = ChooseBySize();
  if (!chosen) return chosen.error();
  if (*chosen) {
    stage_ = Stage::kFindMarks;
  } else {
    Rest();
  }
  return {};
}

// Whether a daemon recorded that removal, and, if it is under way, not its end yet. Else somebody
// inserted it, or took its end away, and going on with it would seal what he changed. How it ended
// is not looked into: then nothing is gone on with.
Result<bool> LedgerRetention::IsRecorded(const ChainAnchor& removal) {
  if (removal.covers_itself()) return false;
  if (removal.kept_digest) return true;
  auto last = database_.Prepare(
      "SELECT seal_id, removal_id, removed_id FROM seal"
      " WHERE removal_id IS NOT NULL OR removed_id IS NOT NULL ORDER BY seal_id DESC LIMIT 1");
  if (!last) return last.error();
  auto row = last->Step();
  if (!row) return row.error();
  if (!*row || last->integer(1) != removal.removal_id || !last->is_null(2)) return false;
  return groups_.SealHolds(last->integer(0));
}

// Nothing is removed until somebody has seen to it; that is said once, not at each look.
Result<void> LedgerRetention::Refuse(const ChainAnchor& removal) {
  Rest();
  if (std::exchange(refused_, removal.removal_id) == removal.removal_id) return {};
  const std::string text = "removal " + std::to_string(removal.removal_id) +
                           " is not as a daemon recorded it, so nothing is removed any more: run"
                           " namegate audit verify";
  return Notice("removal-refused", text);
}

Result<void> LedgerRetention::Notice(const std::string& kind, const std::string& text) {
  LogError(text);
  const LedgerRow notice = NoticeRow{NowMicroseconds(), kind, text};
  const auto outcome = groups_.Commit({&notice, 1});
  return outcome.trouble.empty() ? Result<void>() : Error{outcome.trouble};
}

// In lots of a day, or a tenth of the age if that is less: to find out what stays takes a look at
// all that is there.
Result<bool> LedgerRetention::ChooseByAge() {
  if (wanted_.keep.count() == 0) return false;
  const int64_t bound = NowMicroseconds() - wanted_.keep.count();
  auto first = database_.QueryInteger("SELECT coalesce(min(seal_id), 0) FROM seal");
  if (!first) return first.error();
  auto oldest = database_.QueryInteger(
      "SELECT coalesce(max(time_us), 0) FROM seal WHERE seal_id = " + std::to_string(*first));
  if (!oldest) return oldest.error();
  const auto lot = std::min(kMaxLot, wanted_.keep / 10);
  if (*first == 0 || *oldest > bound - lot.count()) return false;
  return ChooseSeal("time_us", bound, "age");
}

Result<bool> LedgerRetention::ChooseBySize() {
  if (wanted_.max_bytes == 0) return false;
  auto used = UsedBytes(database_);
  if (!used) return used.error();
  if (*used <= wanted_.max_bytes) return false;
  // The part of the rows that must go, of the table with the most, is counted from its oldest.
  std::string mark;
  int64_t through = 0;
  int64_t most = 0;
  for (const char* table : {"query", "connection"}) {
    const std::string id = std::string(table) + "_id";
    const int64_t removed = last_ ? last_->marks[SealedTablePlace(table)] : 0;
    auto newest = database_.QueryInteger("SELECT coalesce(max(" + id + "), 0) FROM " + table);
    if (!newest) return newest.error();
    const int64_t rows = *newest - std::max<int64_t>(removed, 0);
    if (rows <= most) continue;
    most = rows;
    mark = id;
    const double part =
        1 - static_cast<double>(Roomy(wanted_.max_bytes)) / static_cast<double>(*used);
    through = *newest - rows + static_cast<int64_t>(static_cast<double>(rows) * part);
  }
  if (most == 0) return false;
  return ChooseSeal(mark, through, "size");
}

Result<bool> LedgerRetention::ChooseSeal(const std::string& column, int64_t bound,
                                         const char* why) {
  auto seal = LastSealUpTo(database_, column, bound);
  if (!seal) return seal.error();
  // After the clock was set back, seals may be of the future: those are not young.
  const int64_t now = NowMicroseconds();
  const auto spared =
      std::min(wanted_.spared, wanted_.keep.count() > 0 ? wanted_.keep : wanted_.spared);
  auto young = LastSealUpTo(database_, "time_us", now - spared.count());
  if (!young) return young.error();
  auto future = LastSealUpTo(database_, "time_us", now);
  if (!future) return future.error();
  if (*seal <= *future) *seal = std::min(*seal, *young);
  auto select = database_.Prepare("SELECT seal_id, time_us, digest FROM seal WHERE seal_id = ?");
  if (!select) return select.error();
  select->Bind(1, *seal);
  auto row = select->Step();
  if (!row) return row.error();
  if (!*row) return false;
  chosen_ = {};
  chosen_.why = why;
  chosen_.begun_us = now;
  chosen_.seal_id = select->integer(0);
  chosen_.seal_time_us = select->integer(1);
  const std::string_view digest = select->text(2);
  std::copy_n(digest.begin(), std::min(digest.size(), chosen_.seal_digest.size()),
              chosen_.seal_digest.begin());
  marks_before_ = chosen_.seal_id + 1;
  return true;
}

// Backwards from the seal: the first mark of each table that is met, or that of the last removal.
Result<void> LedgerRetention::FindMarks() {
  std::string sql = "SELECT seal_id";
  for (const SealedTable& table : kSealedTables) sql += std::string(", ") + table.mark;
  auto select =
      database_.Prepare(sql + " FROM seal WHERE seal_id < ? ORDER BY seal_id DESC LIMIT ?");
  if (!select) return select.error();
  select->Bind(1, marks_before_);
  select->Bind(2, kMarkedSeals);
  int64_t seals = 0;
  auto read = ForEachRow(*select, [&] {
    ++seals;
    marks_before_ = select->integer(0);
    for (size_t table = 0; table < kSealedTableCount; ++table) {
      const int column = static_cast<int>(1 + table);
      if (chosen_.marks[table] == kNoMark && !select->is_null(column)) {
        chosen_.marks[table] = select->integer(column);
      }
    }
  });
  if (!read) return read;
  if (seals == kMarkedSeals) return {};
  for (size_t table = 0; last_ && table < kSealedTableCount; ++table) {
    chosen_.marks[table] = std::max(chosen_.marks[table], last_->marks[table]);
  }
  check_ = std::make_unique<ChainCheck>(database_, last_, chosen_.seal_id, groups_.key());
  stage_ = Stage::kCheck;
  return {};
}

// What stays is sealed anew as it is. If it is not what it was, that is recorded first, and every
// later verification says so.
Result<void> LedgerRetention::Check(Clock::time_point deadline) {
  auto done = check_->Step(deadline);
  if (!done) return done.error();
  if (!*done) return {};
  const std::string mismatch = check_->mismatch();
  check_.reset();
  if (!mismatch.empty()) {
    auto noted =
        Notice("changed", mismatch + " did not match any more when what was recorded up to seal " +
                              std::to_string(chosen_.seal_id) +
                              " was removed, and what stayed of it was sealed anew");
    if (!noted) return noted;
  }
  auto begun = LedgerRemoval::Begin(database_, groups_, chosen_);
  if (!begun) return begun.error();
  removal_ = *std::move(begun);
  stage_ = Stage::kRemove;
  return {};
}

Result<void> LedgerRetention::Remove(Clock::time_point deadline) {
  auto done = removal_->Step(deadline);
  if (!done) return done.error();
  if (!*done) return {};
  const LedgerRemoval::Counts& removed = removal_->removed();
  LogInfo("removed from the ledger because of its " + removal_->anchor().why + ": " +
          std::to_string(removed.queries) + " queries, " + std::to_string(removed.connections) +
          " connections, " + std::to_string(removed.sessions) + " sessions");
  removal_.reset();
  stage_ = Stage::kShrink;
  return {};
}

// Gives the free pages back to the file system.
Result<void> LedgerRetention::Shrink() {
  auto free = database_.QueryInteger("PRAGMA freelist_count");
  if (!free) return free.error();
  if (*free == 0) {
    Rest();
    return {};
  }
  return database_.Execute("PRAGMA incremental_vacuum(" + std::to_string(kShrunkPages) + ")");
}

}  // namespace namegate::resolver
