#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/sqlite.h"

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
  // An error of running it, in words.
  Error Explain(const Error& error) const;

 private:
  // sqlite3_set_authorizer, sqlite3_progress_handler.
  static int Authorize(void*, int action, const char* first, const char* second, const char*,
                       const char*);
  static int Interrupt(void* self);

  Database& ledger_;
  std::chrono::seconds limit_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace namegate::command
