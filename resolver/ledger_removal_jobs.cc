#include "resolver/ledger_removal_jobs.h"

#include <algorithm>
#include <utility>

namespace namegate::resolver {
namespace {

// Rows at a time: so few that the clock is looked at every few hundred microseconds.
constexpr int64_t kScannedRows = 256;
constexpr int64_t kRemovedRows = 64;
constexpr int64_t kRemovedSeals = 64;
// Large enough that a lot's own 60 octets do not count, small enough to be sealed in between.
constexpr size_t kLotRows = 256;

}  // namespace

NoteReferences::NoteReferences(ReferenceScan scan, int64_t through, UsedIds& used)
    : scan_(std::move(scan)),
      through_(through),
      used_(used),
      after_(scan_.later ? used.marks()[scan_.table] : kNoMark),
      select_{scan_.sql, {}} {}

Result<void> NoteReferences::Prepare(Database& database) {
  return PrepareAll(database, {&select_});
}

Result<bool> NoteReferences::DoSome() {
  Statement& select = select_.statement;
  select.Bind(1, after_);
  select.Bind(2, through_);
  select.Bind(3, kScannedRows);
  bool any = false;
  auto read = ForEachRow(select, [&] {
    any = true;
    after_ = select.integer(0);
    for (size_t i = 0; i < scan_.holds.size(); ++i) {
      const int column = static_cast<int>(i + 1);
      if (!select.is_null(column)) used_.Add(scan_.holds[i], select.integer(column));
    }
  });
  if (!read) return read.error();
  return !any;
}

RemoveRows::RemoveRows(const RemovableTable& table, UsedIds& used, int64_t& removed)
    : table_(table.table), stays_(table.stays), used_(used), removed_(removed) {
  const std::string name = kSealedTables[table_].table;
  const std::string id = kSealedTables[table_].id;
  select_.sql = "SELECT " + id + " FROM " + name + " WHERE " + id + " > ? AND " + id +
                " <= ? ORDER BY " + id + " LIMIT ?";
  for (const std::string& sql : table.remove_with) deletes_.push_back({sql, {}});
  deletes_.push_back({"DELETE FROM " + name + " WHERE " + id + " = ?1", {}});
}

Result<void> RemoveRows::Prepare(Database& database) {
  if (auto done = PrepareAll(database, {&select_}); !done) return done;
  for (Prepared& prepared : deletes_) {
    if (auto done = PrepareAll(database, {&prepared}); !done) return done;
  }
  for (const std::string& sql : stays_) {
    auto stays = database.Prepare(sql);
    if (!stays) return stays.error();
    auto row = stays->Step();
    if (!row) return row.error();
    if (*row && !stays->is_null(0)) used_.Add(table_, stays->integer(0));
  }
  return {};
}

Result<bool> RemoveRows::DoSome() {
  Statement& select = select_.statement;
  select.Bind(1, after_);
  select.Bind(2, used_.marks()[table_]);
  select.Bind(3, kRemovedRows);
  std::array<int64_t, kRemovedRows> ids{};
  size_t count = 0;
  auto read = ForEachRow(select, [&] { ids.at(count++) = select.integer(0); });
  if (!read) return read.error();
  for (size_t i = 0; i < count; ++i) {
    after_ = ids.at(i);
    if (used_.Contains(table_, after_)) continue;
    if (auto removed = Remove(after_); !removed) return removed.error();
  }
  return count == 0;
}

Result<void> RemoveRows::Remove(int64_t id) {
  for (Prepared& prepared : deletes_) {
    prepared.statement.Bind(1, id);
    if (auto done = prepared.statement.Run(); !done) return done;
  }
  ++removed_;
  return {};
}

Result<void> RemoveSeals::Prepare(Database& database) {
  return PrepareAll(database, {&first_, &delete_});
}

Result<bool> RemoveSeals::DoSome() {
  auto first = FindId(first_.statement);
  if (!first) return first.error();
  if (*first == 0 || *first > through_) return true;
  delete_.statement.Bind(1, std::min(*first + kRemovedSeals, through_));
  if (auto done = delete_.statement.Run(); !done) return done.error();
  return false;
}

Result<void> ForgetKept::Prepare(Database& database) { return PrepareAll(database, {&delete_}); }

Result<bool> ForgetKept::DoSome() {
  if (auto done = delete_.statement.Run(); !done) return done.error();
  return sqlite3_changes(sqlite3_db_handle(delete_.statement.handle())) == 0;
}

SealKept::SealKept(int64_t removal_id, const SealMarks& marks, SealDigest& end)
    : removal_id_(removal_id), marks_(marks), end_(end) {
  for (const SealedTable& table : kSealedTables) selects_.push_back({table.select, {}});
}

Result<void> SealKept::Prepare(Database& database) {
  for (Prepared& select : selects_) {
    if (auto done = PrepareAll(database, {&select}); !done) return done;
  }
  return PrepareAll(database, {&insert_});
}

Result<bool> SealKept::DoSome() {
  if (table_ == kSealedTableCount) return true;
  Statement& select = selects_[table_].statement;
  select.Bind(1, after_);
  select.Bind(2, marks_[table_]);
  auto sealed = SealLot(select);
  select.Reset();
  if (!sealed) return sealed.error();
  return false;
}

Result<void> SealKept::SealLot(Statement& select) {
  SealedGroup lot;
  std::vector<SealDigest> digests;
  int64_t through = after_;
  auto row = select.Step();
  // The rows of one id (of an answer) stay together.
  while (row && *row && (digests.size() < kLotRows || select.integer(0) == through)) {
    digests.push_back(RowDigest(table_, select));
    through = select.integer(0);
    row = select.Step();
  }
  if (!row) return row.error();
  if (digests.empty()) {
    ++table_;
    after_ = kNoMark;
    return {};
  }
  lot.BeginTable(table_, through);
  for (const SealDigest& digest : digests) lot.Add(digest);
  after_ = through;
  return Insert(lot, through);
}

Result<void> SealKept::Insert(const SealedGroup& lot, int64_t through) {
  end_ = lot.Digest(end_, ++lot_, removal_id_, nullptr);
  const std::string& checks = lot.checks();
  Statement& insert = insert_.statement;
  insert.Bind(1, removal_id_);
  insert.Bind(2, lot_);
  insert.Bind(3, static_cast<int64_t>(table_));
  insert.Bind(4, through);
  insert.BindBlob(5, end_);
  insert.BindBlob(6, {reinterpret_cast<const uint8_t*>(checks.data()), checks.size()});
  return insert.Run();
}

}  // namespace namegate::resolver
