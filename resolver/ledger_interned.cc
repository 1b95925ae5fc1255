#include "resolver/ledger_interned.h"

namespace namegate::resolver {

Result<void> PrepareAll(Database& database, std::initializer_list<Prepared*> statements) {
  for (Prepared* prepared : statements) {
    auto statement = database.Prepare(prepared->sql);
    if (!statement) return statement.error();
    prepared->statement = *std::move(statement);
  }
  return {};
}

Result<int64_t> Insert(Statement& insert) {
  if (auto run = insert.Run(); !run) return run.error();
  return sqlite3_last_insert_rowid(sqlite3_db_handle(insert.handle()));
}

Result<int64_t> FindId(Statement& select) {
  auto row = select.Step();
  if (!row) return row.error();
  const int64_t id = *row ? select.integer(0) : 0;
  select.Reset();
  return id;
}

}  // namespace namegate::resolver
