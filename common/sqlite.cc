#include "common/sqlite.h"

#include <sys/stat.h>

namespace namegate {

Error SqliteError(sqlite3* database, const std::string& action) {
  return Error{action + ": " + (database != nullptr ? sqlite3_errmsg(database) : "out of memory")};
}

void Statement::Bind(int parameter, int64_t value) {
  sqlite3_bind_int64(handle(), parameter, value);
}

void Statement::Bind(int parameter, std::string_view text) {
  sqlite3_bind_text64(handle(), parameter, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::BindBlob(int parameter, std::span<const uint8_t> blob) {
  sqlite3_bind_blob64(handle(), parameter, blob.data(), blob.size(), SQLITE_TRANSIENT);
}

void Statement::BindNull(int parameter) { sqlite3_bind_null(handle(), parameter); }

Result<bool> Statement::Step() {
  const int code = sqlite3_step(handle());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = SqliteError(sqlite3_db_handle(handle()), "run SQL");
  sqlite3_reset(handle());
  return error;
}

Result<void> Statement::Run() {
  auto stepped = Step();
  if (!stepped) return stepped.error();
  Reset();
  return {};
}

void Statement::Reset() { sqlite3_reset(handle()); }

int Statement::column_count() const { return sqlite3_column_count(handle()); }

std::string Statement::column_name(int column) const {
  return sqlite3_column_name(handle(), column);
}

int Statement::column_type(int column) const { return sqlite3_column_type(handle(), column); }

int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle(), column); }

double Statement::real(int column) const { return sqlite3_column_double(handle(), column); }

std::string_view Statement::text(int column) const {
  // The text first, its length second: the conversion decides the length (column_blob.html).
  const unsigned char* text = sqlite3_column_text(handle(), column);
  const int length = sqlite3_column_bytes(handle(), column);
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(length)};
}

Result<Database> Database::Open(const std::string& path, Mode mode) {
  const int flags = (mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY
                                             : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* raw = nullptr;
  const mode_t previous = mode == Mode::kReadWriteCreate ? umask(0077) : mode_t{0};
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  if (mode == Mode::kReadWriteCreate) umask(previous);
  Database database;
  database.database_.reset(raw);
  if (code != SQLITE_OK) return SqliteError(raw, "open '" + path + "'");
  return database;
}

Result<void> Database::Execute(const std::string& sql) {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return SqliteError(handle(), "run SQL");
  }
  return {};
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return SqliteError(handle(), "prepare SQL");
  Statement statement;
  statement.statement_.reset(raw);
  return statement;
}

Result<int64_t> Database::QueryInteger(std::string_view sql) {
  auto statement = Prepare(sql);
  if (!statement) return statement.error();
  auto row = statement->Step();
  if (!row) return row.error();
  if (!*row) return Error{"run SQL: no row from " + std::string(sql)};
  return statement->integer(0);
}

}  // namespace namegate
