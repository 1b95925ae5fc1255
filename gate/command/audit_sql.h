#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/sqlite.h"
#include "gate/command/audit_filter.h"
#include "gate/command/common_options.h"
#include "gate/command/overdue_watch.h"
#include "schema/schema.h"

namespace namegate::command {

// Prepares a ledger that was opened to read for SQL of anyone's: from here on it takes nothing but
// queries, shows no gate tokens, and gives up after `limit`. `*this` must outlive what is run.
class SqlSandbox {
 public:
  SqlSandbox(Database& ledger, std::chrono::seconds limit);
  SqlSandbox(const SqlSandbox&) = delete;
  SqlSandbox& operator=(const SqlSandbox&) = delete;
  ~SqlSandbox();

  // One statement, ready to run; its time begins now. The error says what is wrong with it.
  Result<Statement> Prepare(std::string_view sql);
  // A step of running it. In a function that is at work on long values SQLite does not look at the
  // clock: if that takes too long, the process ends here.
  Result<bool> Step(Statement& statement);
  // An error of running it, in words.
  Error Explain(const Error& error) const;

 private:
  // sqlite3_set_authorizer, sqlite3_progress_handler.
  static int Authorize(void*, int action, const char* first, const char* second, const char*,
                       const char*);
  static int Interrupt(void* self);
  std::string Stopped() const;

  Database& ledger_;
  std::chrono::seconds limit_;
  std::chrono::steady_clock::time_point deadline_;
  std::optional<OverdueWatch> watch_;
};

// What is to be run, and for how long.
struct SqlOptions {
  std::string sql;           // "-" reads it from standard input
  std::string ready;         // or the name of one of schema::ReadyQueries()
  int64_t latest = 500'000;  // see AuditFilter::NarrowToLatest()
  int64_t time_limit_s = 30;
};

// Null if there is no ready question of this name.
const schema::ReadyQuery* FindReady(const std::string& name);
// The names of the ready questions, with what each asks, as the end of a help text.
std::string ReadyHelp();
// An empty text if there is such a ready question; else what is wrong.
std::string CheckReady(const std::string& name);

// Prints the result of one query.
Result<void> AuditSql(const CommonOptions& common, const AuditOptions& filter,
                      const SqlOptions& options);

}  // namespace namegate::command
