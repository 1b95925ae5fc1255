#include "gate/command/audit_filter.h"

#include <time.h>

#include <charconv>
#include <string_view>

#include "common/escape.h"

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

Result<bool> Exists(Database& ledger, const char* sql, const auto& value) {
  auto statement = ledger.Prepare(sql);
  if (!statement) return statement.error();
  statement->Bind(1, value);
  return statement->Step();
}

int Parameter(Statement& statement, const char* name) {
  return sqlite3_bind_parameter_index(statement.handle(), name);
}

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
  if (!options.session) return filter;
  if (const auto id = ReadInteger(*options.session)) {
    auto found = Exists(ledger, "SELECT 1 FROM session WHERE session_id = ?", *id);
    if (!found) return found.error();
    if (*found) {
      filter.session_ = id;
      return filter;
    }
  }
  filter.label_ = Printable(*options.session);  // as the ledger keeps it
  auto found =
      Exists(ledger, "SELECT 1 FROM session WHERE label = ?", std::string_view(*filter.label_));
  if (!found) return found.error();
  if (*found) return filter;
  return Error{"no session in the ledger has the id or label '" + *filter.label_ +
               "'; see: namegate audit sql 'SELECT session, label, opened FROM sessions'"};
}

std::string AuditFilter::Sql(const std::string& session_column,
                             const std::string& time_us_column) const {
  std::string sql = "1";
  if (session_) sql += " AND " + session_column + " = :session";
  if (label_) {
    sql += " AND " + session_column + " IN (SELECT session_id FROM session WHERE label = :session)";
  }
  if (since_us_) sql += " AND " + time_us_column + " >= :since";
  return sql;
}

void AuditFilter::Bind(Statement& statement) const {
  const int session = Parameter(statement, ":session");
  const int since = Parameter(statement, ":since");
  if (session_) statement.Bind(session, *session_);
  if (label_) statement.Bind(session, std::string_view(*label_));
  if (since_us_) statement.Bind(since, *since_us_);
}

}  // namespace namegate::command
