#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

// Rows with after < id <= until.
struct IdRange {
  int64_t after = 0;
  int64_t until = INT64_MAX;
};

// The options as SQL, for statements that have a column for the session and one for the time.
//
// Theory of operation. There is no index on times, and none on the session of a query: ids are in
// the order of time, and the seals say which ids there were when, so that a moment or a session's
// life is found as a range of ids, by which SQLite searches.
class AuditFilter {
 public:
  // An error if the session is not in the ledger, or `since` is not a time.
  static Result<AuditFilter> Resolve(Database& ledger, const AuditOptions& options, int64_t now_us);

  // An expression on the columns. Its parameters are :session and :since, where they occur. The
  // statement should be held to a range of ids too.
  std::string Sql(const std::string& session_column, const std::string& time_us_column) const;
  // The ids of `table`, "query" or "connection", that can be meant, as an expression on its id.
  std::string RangeSql(const std::string& table, const std::string& id_column) const;
  // Binds whichever of :session, :since and the parameters of a schema::ReadyQuery there are.
  void Bind(Statement& statement) const;
  // For a question that looks at rows one by one: where nothing else narrows it, only at the latest
  // `queries`, and a tenth as many connections, each of which takes longer; 0: at all. The time
  // from which on these were recorded, or nothing if that is the whole ledger.
  Result<std::optional<int64_t>> NarrowToLatest(Database& ledger, int64_t queries);

 private:
  Result<void> FindSessions(Database& ledger, const std::string& session);
  Result<void> FindRanges(Database& ledger);
  Result<void> Narrow(Database& ledger, int64_t before_seal, int64_t through_seal);
  std::string SessionsJson() const;

  IdRange queries_;
  IdRange connections_;
  std::vector<int64_t> sessions_;  // with this id or label; none: all
  std::optional<int64_t> since_us_;
  int64_t latest_query_ = 0;  // behind these the latest rows begin
  int64_t latest_connection_ = 0;
};

}  // namespace namegate::command
