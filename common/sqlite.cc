#include "common/sqlite.h"

#include <sys/stat.h>

#include <cctype>

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

namespace {

int OpenFlags(Database::Mode mode) {
  constexpr int kAlways = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
    case Database::Mode::kReadWriteCreate:
      return kAlways | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case Database::Mode::kImmutable:
      return kAlways | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    case Database::Mode::kReadOnly:
      break;
  }
  return kAlways | SQLITE_OPEN_READONLY;
}

// https://sqlite.org/uri.html; every octet but the plainest is percent-encoded.
std::string ImmutableUri(const std::string& path) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto octet = static_cast<unsigned char>(c);
    if (std::isalnum(octet) != 0 || c == '/' || c == '.' || c == '-' || c == '_') {
      uri += c;
    } else {
      uri += '%';
      uri += kDigits[octet >> 4];
      uri += kDigits[octet & 15];
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

Result<Database> Database::Open(const std::string& path, Mode mode) {
  const std::string name = mode == Mode::kImmutable ? ImmutableUri(path) : path;
  sqlite3* raw = nullptr;
  const mode_t previous = mode == Mode::kReadWriteCreate ? umask(0077) : mode_t{0};
  const int code = sqlite3_open_v2(name.c_str(), &raw, OpenFlags(mode), nullptr);
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

Result<Statement> Database::Prepare(std::string_view sql, std::string_view* rest) {
  sqlite3_stmt* raw = nullptr;
  const char* end = nullptr;
  const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, &end);
  if (code != SQLITE_OK) return SqliteError(handle(), "prepare SQL");
  if (rest != nullptr) *rest = sql.substr(static_cast<size_t>(end - sql.data()));
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
