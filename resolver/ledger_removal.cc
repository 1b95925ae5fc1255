#include "resolver/ledger_removal.h"

#include <utility>

#include "common/wall_clock.h"
#include "resolver/ledger_references.h"

namespace namegate::resolver {
namespace {

// The highest id of each table: what is written later notes by itself what it holds.
Result<SealMarks> HighestIds(Database& database) {
  SealMarks marks = NoMarks();
  for (size_t table = 0; table < kSealedTableCount; ++table) {
    auto highest =
        database.QueryInteger(std::string("SELECT coalesce(max(") + kSealedTables[table].id +
                              "), -1) FROM " + kSealedTables[table].table);
    if (!highest) return highest.error();
    marks[table] = *highest;
  }
  return marks;
}

}  // namespace

LedgerRemoval::LedgerRemoval(Database& database, LedgerGroupWriter& groups, ChainAnchor anchor)
    : database_(database),
      groups_(groups),
      anchor_(std::move(anchor)),
      used_(anchor_.marks),
      kept_digest_(anchor_.seal_digest) {}

LedgerRemoval::~LedgerRemoval() { groups_.NoteUses(nullptr); }

Result<std::unique_ptr<LedgerRemoval>> LedgerRemoval::Begin(Database& database,
                                                            LedgerGroupWriter& groups,
                                                            ChainAnchor anchor) {
  std::unique_ptr<LedgerRemoval> removal(new LedgerRemoval(database, groups, std::move(anchor)));
  auto begun = groups.Transact([&] { return removal->Record(); });
  if (begun) begun = removal->Start();
  if (!begun) return begun.error();
  return removal;
}

Result<std::unique_ptr<LedgerRemoval>> LedgerRemoval::Resume(Database& database,
                                                             LedgerGroupWriter& groups,
                                                             ChainAnchor anchor) {
  std::unique_ptr<LedgerRemoval> removal(new LedgerRemoval(database, groups, std::move(anchor)));
  if (auto started = removal->Start(); !started) return started.error();
  return removal;
}

Result<void> LedgerRemoval::Record() {
  auto insert = database_.Prepare(
      "INSERT INTO removal (begun_us, why, seal_id, seal_digest, seal_time_us, marks)"
      " VALUES (?, ?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  insert->Bind(1, anchor_.begun_us);
  insert->Bind(2, anchor_.why);
  insert->Bind(3, anchor_.seal_id);
  insert->BindBlob(4, anchor_.seal_digest);
  insert->Bind(5, anchor_.seal_time_us);
  insert->Bind(6, MarksText(anchor_.marks));
  auto id = Insert(*insert);
  if (!id) return id.error();
  anchor_.removal_id = *id;
  return {};
}

// From here on no group is written that does not note what it uses.
Result<void> LedgerRemoval::Start() {
  groups_.NoteUses(&used_);
  if (auto read = ReadProgress(); !read) return read;
  if (auto planned = PlanTables(); !planned) return planned;
  jobs_.push_back(std::make_unique<RemoveSeals>(anchor_.seal_id));
  jobs_.push_back(std::make_unique<ForgetKept>());
  jobs_.push_back(std::make_unique<SealKept>(anchor_.removal_id, anchor_.marks, kept_digest_));
  return {};
}

Result<void> LedgerRemoval::PlanTables() {
  auto through = HighestIds(database_);
  if (!through) return through.error();
  for (const RemovableTable& table : RemovalOrder()) {
    PlanScans(table.held_by, *through);
    jobs_.push_back(std::make_unique<RemoveRows>(table, used_, CountOf(table.table)));
    PlanScans(table.references, *through);
  }
  return {};
}

void LedgerRemoval::PlanScans(const std::vector<ReferenceScan>& scans, const SealMarks& through) {
  for (const ReferenceScan& scan : scans) {
    jobs_.push_back(std::make_unique<NoteReferences>(scan, through[scan.table], used_));
  }
}

int64_t& LedgerRemoval::CountOf(size_t table) {
  if (table == SealedTablePlace("query")) return removed_.queries;
  if (table == SealedTablePlace("connection")) return removed_.connections;
  if (table == SealedTablePlace("session")) return removed_.sessions;
  return uncounted_;
}

Result<bool> LedgerRemoval::Step(std::chrono::steady_clock::time_point deadline) {
  if (auto worked = groups_.Transact([&] { return Work(deadline); }); !worked) {
    return worked.error();
  }
  return jobs_.empty();
}

Result<void> LedgerRemoval::Work(std::chrono::steady_clock::time_point deadline) {
  do {
    RemovalJob& job = *jobs_.front();
    if (!std::exchange(prepared_, true)) {
      if (auto prepared = job.Prepare(database_); !prepared) return prepared;
    }
    auto done = job.DoSome();
    if (!done) return done.error();
    if (!*done) continue;
    jobs_.pop_front();
    prepared_ = false;
  } while (!jobs_.empty() && std::chrono::steady_clock::now() < deadline);
  return jobs_.empty() ? RecordDone() : RecordProgress();
}

Result<void> LedgerRemoval::ReadProgress() {
  auto select = database_.Prepare(
      "SELECT queries, connections, sessions FROM removal_progress WHERE removal_id = ?");
  if (!select) return select.error();
  select->Bind(1, anchor_.removal_id);
  auto row = select->Step();
  if (!row) return row.error();
  if (*row) removed_ = {select->integer(0), select->integer(1), select->integer(2)};
  return {};
}

Result<void> LedgerRemoval::RecordProgress() {
  auto replace = database_.Prepare(
      "REPLACE INTO removal_progress (removal_id, queries, connections, sessions)"
      " VALUES (?, ?, ?, ?)");
  if (!replace) return replace.error();
  replace->Bind(1, anchor_.removal_id);
  replace->Bind(2, removed_.queries);
  replace->Bind(3, removed_.connections);
  replace->Bind(4, removed_.sessions);
  return replace->Run();
}

Result<void> LedgerRemoval::RecordDone() {
  auto insert = database_.Prepare(
      "INSERT INTO removal_done (removal_id, done_us, queries, connections, sessions, kept_digest)"
      " VALUES (?, ?, ?, ?, ?, ?)");
  if (!insert) return insert.error();
  insert->Bind(1, anchor_.removal_id);
  insert->Bind(2, NowMicroseconds());
  insert->Bind(3, removed_.queries);
  insert->Bind(4, removed_.connections);
  insert->Bind(5, removed_.sessions);
  insert->BindBlob(6, kept_digest_);
  if (auto done = insert->Run(); !done) return done;
  return database_.Execute("DELETE FROM removal_progress");
}

}  // namespace namegate::resolver
