#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/result.h"

namespace namegate {

// A prepared statement (https://sqlite.org/c3ref/stmt.html). Parameters count from 1, columns from
// 0, as in SQLite. Must not outlive its database.
class Statement {
 public:
  Statement() = default;

  void Bind(int parameter, int64_t value);
  void Bind(int parameter, std::string_view text);
  void BindBlob(int parameter, std::span<const uint8_t> blob);
  void BindNull(int parameter);

  // Steps once: true with a row, false at the end. A failed step resets the statement.
  Result<bool> Step();
  // Steps a statement that gives no row, and resets it for the next use.
  Result<void> Run();
  void Reset();

  int column_count() const;
  std::string column_name(int column) const;
  int column_type(int column) const;  // SQLITE_INTEGER, SQLITE_TEXT, …
  bool is_null(int column) const { return column_type(column) == SQLITE_NULL; }
  int64_t integer(int column) const;
  double real(int column) const;
  // Valid until the next Step, Run or Reset.
  std::string_view text(int column) const;

  sqlite3_stmt* handle() const { return statement_.get(); }

 private:
  friend class Database;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

// A connection to a SQLite database.
class Database {
 public:
  enum class Mode {
    kReadOnly,
    kReadWriteCreate,
    kImmutable,  // read-only, of a file that nobody writes meanwhile; takes no locks
  };

  Database() = default;
  // The file's mode is 0600 if it is created.
  static Result<Database> Open(const std::string& path, Mode mode);

  // Runs one or more statements that give no rows.
  Result<void> Execute(const std::string& sql);
  // Prepares the first statement of `sql`; what follows it is left in `*rest` if that is given. A
  // statement of nothing but blanks and comments has no handle().
  Result<Statement> Prepare(std::string_view sql, std::string_view* rest = nullptr);
  // The first column of the first row of a query that gives at least one row.
  Result<int64_t> QueryInteger(std::string_view sql);

  sqlite3* handle() const { return database_.get(); }

 private:
  struct Closer {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  std::unique_ptr<sqlite3, Closer> database_;
};

// Steps a statement that is bound through all its rows, calls `use` for each, and resets it. If
// `use` gives a Result<void>, its error ends that.
template <typename Use>
Result<void> ForEachRow(Statement& statement, Use use) {
  while (true) {
    auto row = statement.Step();
    if (!row) return row.error();
    if (!*row) break;
    if constexpr (std::is_void_v<decltype(use())>) {
      use();
    } else if (Result<void> used = use(); !used) {
      statement.Reset();
      return used;
    }
  }
  statement.Reset();
  return {};
}

// "ACTION: message of SQLite", for the last error on `database`.
Error SqliteError(sqlite3* database, const std::string& action);

}  // namespace namegate
