#include "gate/command/audit_sql.h"

#include <algorithm>
#include <array>

namespace namegate::command {
namespace {

constexpr int kStepsBetweenLooks = 10'000;  // some 100 µs
constexpr int kMaxValueBytes = 64 << 20;    // one value; a function cannot be interrupted
constexpr int kMaxSqlBytes = 1'000'000;

// PRAGMAs that show how the ledger is made up; all others are refused.
bool IsHarmlessPragma(std::string_view name) {
  constexpr auto kHarmless = std::to_array<std::string_view>(
      {"table_list", "table_info", "table_xinfo", "index_list", "index_info", "index_xinfo",
       "foreign_key_list", "foreign_key_check", "integrity_check", "quick_check"});
  return std::find(kHarmless.begin(), kHarmless.end(), name) != kHarmless.end();
}

// Comments may follow the statement, another statement may not.
Result<bool> HoldsAnother(Database& ledger, std::string_view sql) {
  while (!sql.empty()) {
    std::string_view rest;
    auto next = ledger.Prepare(sql, &rest);
    if (!next) return next.error();
    if (next->handle() != nullptr) return true;
    if (rest.size() == sql.size()) break;
    sql = rest;
  }
  return false;
}

}  // namespace

SqlSandbox::SqlSandbox(Database& ledger, std::chrono::seconds limit)
    : ledger_(ledger), limit_(limit) {
  sqlite3_set_authorizer(ledger.handle(), &Authorize, nullptr);
  sqlite3_progress_handler(ledger.handle(), kStepsBetweenLooks, &Interrupt, this);
  sqlite3_limit(ledger.handle(), SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(ledger.handle(), SQLITE_LIMIT_SQL_LENGTH, kMaxSqlBytes);
}

SqlSandbox::~SqlSandbox() { sqlite3_progress_handler(ledger_.handle(), 0, nullptr, nullptr); }

Result<Statement> SqlSandbox::Prepare(std::string_view sql) {
  deadline_ = std::chrono::steady_clock::now() + limit_;
  std::string_view rest;
  auto statement = ledger_.Prepare(sql, &rest);
  if (!statement) return Explain(statement.error());
  if (statement->handle() == nullptr) {
    return Error{"there is no SQL to run; give one SELECT, such as 'SELECT * FROM denials'"};
  }
  auto another = HoldsAnother(ledger_, rest);
  if (!another || *another) {
    return Error{"one statement at a time; put what follows the semicolon into a second call"};
  }
  return statement;
}

Error SqlSandbox::Explain(const Error& error) const {
  switch (sqlite3_errcode(ledger_.handle())) {
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return Error{error.message + "; only queries are run here, and they change nothing"};
    case SQLITE_INTERRUPT:
      return Error{"stopped after " + std::to_string(limit_.count()) +
                   " s; narrow it with WHERE or LIMIT, or raise --time-limit"};
    case SQLITE_ERROR:
      return Error{error.message + "; for the views and columns: namegate audit sql --help"};
    default:
      return error;
  }
}

int SqlSandbox::Authorize(void*, int action, const char* first, const char* second, const char*,
                          const char*) {
  const std::string_view object = first == nullptr ? "" : first;
  const std::string_view detail = second == nullptr ? "" : second;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ:
      // The right to connect as that session; results are passed around more freely than ledgers.
      return object == "session" && detail == "token" ? SQLITE_IGNORE : SQLITE_OK;
    case SQLITE_FUNCTION:
      return detail == "load_extension" || detail == "fts3_tokenizer" ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
      return IsHarmlessPragma(object) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

int SqlSandbox::Interrupt(void* self) {
  return std::chrono::steady_clock::now() > static_cast<SqlSandbox*>(self)->deadline_ ? 1 : 0;
}

}  // namespace namegate::command
