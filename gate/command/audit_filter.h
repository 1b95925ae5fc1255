#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/result.h"
#include "common/sqlite.h"

namespace namegate::command {

// Which rows of the ledger a report is about, as given on the command line.
struct AuditOptions {
  std::optional<std::string> session;  // an id or a label
  std::optional<std::string> since;    // see ParseSince()
  int64_t limit = 100;                 // the latest so many rows; 0: all
};

// "90s", "15m", "2h", "3d" or "1w" before `now_us`, or a time in UTC such as 2027-01-15 or
// 2027-01-15T08:00:00.5Z: microseconds since 1970. The error says what may be written.
Result<int64_t> ParseSince(const std::string& text, int64_t now_us);

// The options as SQL, for statements that have a column for the session and one for the time.
class AuditFilter {
 public:
  // An error if the session is not in the ledger, or `since` is not a time.
  static Result<AuditFilter> Resolve(Database& ledger, const AuditOptions& options, int64_t now_us);

  // An expression on the two columns. Its parameters are :session and :since, where they occur.
  std::string Sql(const std::string& session_column, const std::string& time_us_column) const;
  void Bind(Statement& statement) const;

 private:
  std::optional<int64_t> session_;    // one session, or
  std::optional<std::string> label_;  // all that have this label
  std::optional<int64_t> since_us_;
};

}  // namespace namegate::command
