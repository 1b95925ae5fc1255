#include "resolver/ledger_later.h"

#include "common/escape.h"

namespace namegate::resolver {

Result<void> LedgerLater::Prepare(Database& database, int64_t removed) {
  removed_connections_ = removed;
  return PrepareAll(database, {&select_connection_, &insert_closing_, &insert_ending_,
                               &insert_change_, &insert_exposure_, &insert_count_});
}

void LedgerLater::NoteUses(UsedIds* used) {
  used_ = used;
  if (used != nullptr) removed_connections_ = used->marks()[SealedTablePlace("connection")];
}

Result<void> LedgerLater::Record(const SessionClosedRow& row) {
  for (const ConnectionEndedRow& ended : row.connections) {
    if (auto recorded = Record(ended); !recorded) return recorded;
  }
  Statement& insert = insert_closing_.statement;
  insert.Bind(1, row.session);
  insert.Bind(2, row.time_us);
  insert.Bind(3, Printable(row.why));
  return insert.Run();
}

Result<void> LedgerLater::Record(const ConnectionEndedRow& row) {
  auto there = IsThere(row.connection);
  if (!there || !*there) return there ? Result<void>() : there.error();
  Statement& insert = insert_ending_.statement;
  insert.Bind(1, row.connection);
  insert.Bind(2, row.time_us);
  insert.BindNull(3);
  insert.BindNull(4);
  if (row.bytes) {
    insert.Bind(3, static_cast<int64_t>(row.bytes->out));
    insert.Bind(4, static_cast<int64_t>(row.bytes->in));
  }
  insert.Bind(5, static_cast<int64_t>(row.how));
  return insert.Run();
}

Result<bool> LedgerLater::IsThere(int64_t connection) {
  if (connection > removed_connections_) return true;
  select_connection_.statement.Bind(1, connection);
  auto found = FindId(select_connection_.statement);
  if (!found) return found.error();
  if (used_ != nullptr) used_->Add(SealedTablePlace("connection"), connection);
  return *found != 0;
}

Result<void> LedgerLater::Record(const PolicyChangedRow& row, int64_t policy) {
  Statement& insert = insert_change_.statement;
  insert.Bind(1, row.session);
  insert.Bind(2, row.time_us);
  insert.Bind(3, policy);
  return insert.Run();
}

Result<void> LedgerLater::RecordExposure(int64_t session, const std::string& path) {
  Statement& insert = insert_exposure_.statement;
  insert.Bind(1, session);
  insert.Bind(2, Printable(path));
  return insert.Run();
}

Result<void> LedgerLater::RecordCount(int64_t connection, uint64_t count) {
  Statement& insert = insert_count_.statement;
  insert.Bind(1, connection);
  insert.Bind(2, static_cast<int64_t>(count));
  return insert.Run();
}

}  // namespace namegate::resolver
