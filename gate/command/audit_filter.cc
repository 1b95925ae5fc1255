#include "gate/command/audit_filter.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <tuple>

#include "common/escape.h"
#include "common/seal_search.h"

namespace namegate::command {
namespace {

constexpr int64_t kSecondUs = 1'000'000;

Error NotATime(const std::string& text) {
  return Error{"'" + Printable(text) +
               "' is not a time; write 15m, 2h or 3d, or a time in UTC as 2027-01-15T08:00:00"};
}

std::optional<int64_t> ReadInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<int64_t> UnitUs(char unit) {
  switch (unit) {
    case 's':
      return kSecondUs;
    case 'm':
      return 60 * kSecondUs;
    case 'h':
      return 3600 * kSecondUs;
    case 'd':
      return int64_t{86'400} * kSecondUs;
    case 'w':
      return int64_t{7} * 86'400 * kSecondUs;
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> ReadDuration(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const auto count = ReadInteger(text.substr(0, text.size() - 1));
  const auto unit = UnitUs(text.back());
  int64_t duration_us = 0;
  if (!count || !unit || __builtin_mul_overflow(*count, *unit, &duration_us)) return std::nullopt;
  return duration_us;
}

// ".5" or ".000123" of a second.
std::optional<int64_t> ReadFraction(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() != '.' || text.size() < 2 || text.size() > 7) return std::nullopt;
  std::string digits(text.substr(1));
  digits.resize(6, '0');
  return ReadInteger(digits);
}

// strptime(3) forgives blanks and missing zeros, so the shape is checked first.
bool HasShape(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == '0' ? !digit : text[i] != shape[i]) return false;
  }
  return true;
}

std::optional<int64_t> ReadSeconds(const std::string& text, std::string_view shape,
                                   const char* format) {
  if (!HasShape(text, shape)) return std::nullopt;
  tm fields{};
  const char* end = strptime(text.c_str(), format, &fields);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const int day = fields.tm_mday;
  const time_t seconds = timegm(&fields);
  if (fields.tm_mday != day) return std::nullopt;  // 30 February
  return int64_t{seconds} * kSecondUs;
}

std::optional<int64_t> ReadTime(std::string text) {
  if (text.ends_with('Z')) text.pop_back();
  if (auto day = ReadSeconds(text, "0000-00-00", "%Y-%m-%d")) return day;
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
  if (auto minute = ReadSeconds(text, "0000-00-00T00:00", "%Y-%m-%dT%H:%M")) return minute;
  const size_t point = text.find('.');
  const auto whole = ReadSeconds(text.substr(0, point), "0000-00-00T00:00:00", "%Y-%m-%dT%H:%M:%S");
  const auto fraction = ReadFraction(point == std::string::npos ? "" : text.substr(point));
  if (!whole || !fraction) return std::nullopt;
  return *whole + *fraction;
}

// How long after a session's end its last rows may be written: what it had asked is still answered.
constexpr int64_t kLateUs = 60 * kSecondUs;

}  // namespace

Result<int64_t> ParseSince(const std::string& text, int64_t now_us) {
  if (const auto duration = ReadDuration(text)) return now_us - *duration;
  if (const auto time = ReadTime(text)) return *time;
  return NotATime(text);
}

Result<AuditFilter> AuditFilter::Resolve(Database& ledger, const AuditOptions& options,
                                         int64_t now_us) {
  AuditFilter filter;
  if (options.since) {
    auto since = ParseSince(*options.since, now_us);
    if (!since) return since.error();
    filter.since_us_ = *since;
  }
  if (options.session) {
    if (auto found = filter.FindSessions(ledger, *options.session); !found) return found.error();
  }
  if (auto found = filter.FindRanges(ledger); !found) return found.error();
  return filter;
}

Result<void> AuditFilter::FindSessions(Database& ledger, const std::string& session) {
  if (const auto id = ReadInteger(session)) {
    auto found = ledger.QueryInteger("SELECT count(*) FROM session WHERE session_id = " +
                                     std::to_string(*id));
    if (!found) return found.error();
    if (*found > 0) {
      sessions_ = {*id};
      return {};
    }
  }
  const std::string label = Printable(session);  // as the ledger keeps it
  auto select = ledger.Prepare("SELECT session_id FROM session WHERE label = ? ORDER BY 1");
  if (!select) return select.error();
  select->Bind(1, std::string_view(label));
  auto read = ForEachRow(*select, [&] { sessions_.push_back(select->integer(0)); });
  if (!read || !sessions_.empty()) return read;
  return Error{"no session in the ledger has the id or label '" + label +
               "'; see: namegate audit sql 'SELECT session, label, opened FROM sessions'"};
}

Result<void> AuditFilter::FindRanges(Database& ledger) {
  if (since_us_) {
    // A row is sealed after its time, so what an earlier seal covers is earlier.
    auto before = LastSealUpTo(ledger, "time_us", *since_us_ - 1);
    if (!before) return before.error();
    if (auto narrowed = Narrow(ledger, *before, 0); !narrowed) return narrowed;
  }
  if (sessions_.size() != 1) return {};
  auto opened = SealBeforeSession(ledger, sessions_.front());
  if (!opened) return opened.error();
  auto closed = ledger.QueryInteger(
      "SELECT coalesce((SELECT s.time_us FROM session_closing AS c"
      " JOIN seal AS s ON s.closing_id >= c.closing_id WHERE c.session_id = " +
      std::to_string(sessions_.front()) + " ORDER BY s.closing_id LIMIT 1), -1)");
  if (!closed) return closed.error();
  int64_t through = 0;
  if (*closed >= 0) {
    auto seal = LastSealUpTo(ledger, "time_us", *closed + kLateUs);
    if (!seal) return seal.error();
    through = *seal;
  }
  return Narrow(ledger, *opened, through);
}

// To what was sealed behind one seal and up to another; 0: no bound.
Result<void> AuditFilter::Narrow(Database& ledger, int64_t before_seal, int64_t through_seal) {
  for (const auto& [mark, range] :
       {std::pair{"query_id", &queries_}, std::pair{"connection_id", &connections_}}) {
    auto after = MarkAt(ledger, mark, before_seal);
    if (!after) return after.error();
    range->after = std::max(range->after, *after);
    if (through_seal == 0) continue;
    auto until = MarkAt(ledger, mark, through_seal);
    if (!until) return until.error();
    // Without a mark, what there is stayed when rows were removed.
    if (*until > 0) range->until = std::min(range->until, *until);
  }
  return {};
}

Result<std::optional<int64_t>> AuditFilter::NarrowToLatest(Database& ledger, int64_t queries) {
  if (queries == 0 || since_us_ || !sessions_.empty()) return std::optional<int64_t>();
  int64_t before = 0;
  for (const auto& [mark, table, rows] :
       {std::tuple{"query_id", "query", queries},
        std::tuple{"connection_id", "connection", std::max<int64_t>(queries / 10, 1)}}) {
    auto newest =
        ledger.QueryInteger("SELECT coalesce(max(" + std::string(mark) + "), 0) FROM " + table);
    if (!newest) return newest.error();
    if (*newest <= rows) continue;
    auto seal = LastSealUpTo(ledger, mark, *newest - rows);
    if (!seal) return seal.error();
    before = std::max(before, *seal);
  }
  if (before == 0) return std::optional<int64_t>();
  auto query = MarkAt(ledger, "query_id", before);
  if (!query) return query.error();
  auto connection = MarkAt(ledger, "connection_id", before);
  if (!connection) return connection.error();
  auto time_us =
      ledger.QueryInteger("SELECT time_us FROM seal WHERE seal_id = " + std::to_string(before));
  if (!time_us) return time_us.error();
  latest_query_ = *query;
  latest_connection_ = *connection;
  return std::optional<int64_t>(*time_us);
}

std::string AuditFilter::SessionsJson() const {
  std::string json;
  for (const int64_t session : sessions_) {
    json += (json.empty() ? "[" : ",") + std::to_string(session);
  }
  return json + "]";
}

std::string AuditFilter::Sql(const std::string& session_column,
                             const std::string& time_us_column) const {
  std::string sql = "1";
  if (!sessions_.empty()) {
    sql += " AND " + session_column + " IN (SELECT value FROM json_each(:session))";
  }
  if (since_us_) sql += " AND " + time_us_column + " >= :since";
  return sql;
}

std::string AuditFilter::RangeSql(const std::string& table, const std::string& id_column) const {
  return id_column + " > :after_" + table + " AND " + id_column + " <= :until_" + table;
}

void AuditFilter::Bind(Statement& statement) const {
  const auto bind = [&](const char* name, auto value) {
    const int parameter = sqlite3_bind_parameter_index(statement.handle(), name);
    if (parameter != 0) statement.Bind(parameter, value);
  };
  if (!sessions_.empty()) bind(":session", std::string_view(SessionsJson()));
  if (since_us_) bind(":since", *since_us_);
  if (since_us_) bind(":since_us", *since_us_);
  bind(":after_query", queries_.after);
  bind(":until_query", queries_.until);
  bind(":after_connection", connections_.after);
  bind(":until_connection", connections_.until);
  bind(":recent_query", latest_query_);
  bind(":recent_connection", latest_connection_);
}

}  // namespace namegate::command
