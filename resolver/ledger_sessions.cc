#include "resolver/ledger_sessions.h"

#include <sstream>

#include "common/reason.h"
#include "common/sqlite.h"
#include "resolver/dns.h"

namespace namegate::resolver {
namespace {

// Rows of `query`, and of `connection`, that are looked at: a second or two at the start of the
// daemon.
constexpr int64_t kMaxQueries = 1'000'000;

// The query's rows on the ledger at `path`, with `values` as its parameters: what `read` makes of
// each, in their order. Rows of which it makes nothing are passed by.
template <typename Row, typename Read>
Result<std::vector<Row>> ReadRows(const std::string& path, const char* sql,
                                  std::initializer_list<int64_t> values, Read read) {
  auto ledger = Database::Open(path, Database::Mode::kReadOnly);
  if (!ledger) return ledger.error();
  auto select = ledger->Prepare(sql);
  if (!select) return select.error();
  int parameter = 0;
  for (const int64_t value : values) select->Bind(++parameter, value);
  std::vector<Row> rows;
  auto done = ForEachRow(*select, [&] {
    if (std::optional<Row> row = read(*select)) rows.push_back(*std::move(row));
  });
  if (!done) return done.error();
  return rows;
}

std::string TextOf(const Statement& row, int column) { return std::string(row.text(column)); }

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::optional<OpenSession> SessionOf(const Statement& row) {
  return OpenSession{row.integer(0),      row.integer(1),       TextOf(row, 2), TextOf(row, 3),
                     TextOf(row, 4),      TextOf(row, 5),       TextOf(row, 6), TextOf(row, 7),
                     row.integer(8) != 0, Lines(TextOf(row, 9))};
}

std::optional<OpenConnection> ConnectionOf(const Statement& row) {
  const auto address = IpAddress::FromText(TextOf(row, 3));
  if (!address) return std::nullopt;
  OpenConnection connection;
  connection.session = row.integer(0);
  connection.connection = row.integer(1);
  connection.protocol = static_cast<Protocol>(row.integer(2));
  connection.to = {*address, static_cast<uint16_t>(row.integer(4))};
  if (row.is_null(5)) return connection;
  if (auto name = DomainName::FromText(row.text(5))) connection.name = std::move(name).value();
  return connection;
}

std::optional<AnsweredAddress> AnsweredOf(const Statement& row) {
  const auto qname = DomainName::FromText(row.text(2));
  const auto address = IpAddress::FromText(TextOf(row, 3));
  if (!qname || !address) return std::nullopt;
  return AnsweredAddress{row.integer(0), row.integer(1), *qname,
                         *address,       row.integer(4), row.integer(5)};
}

std::optional<UsedLease> UsedOf(const Statement& row) {
  const auto name = DomainName::FromText(row.text(2));
  const auto address = IpAddress::FromText(TextOf(row, 3));
  if (!name || !address) return std::nullopt;
  return UsedLease{row.integer(0), row.integer(1), *name, *address, row.integer(4)};
}

}  // namespace

Result<std::vector<OpenSession>> ReadOpenSessions(const std::string& path) {
  return ReadRows<OpenSession>(
      path,
      "SELECT s.session_id, s.opened_us, s.label, g.text, p.text, s.listen, s.client, s.token,"
      " s.owned, (SELECT group_concat(x.path, char(10)) FROM exposure AS x"
      "  WHERE x.session_id = s.session_id)"
      " FROM session AS s JOIN gate AS g ON g.gate_id = s.gate_id"
      " JOIN policy AS p ON p.policy_id = coalesce("
      "  (SELECT d.policy_id FROM policy_change AS d WHERE d.session_id = s.session_id"
      "   ORDER BY d.change_id DESC LIMIT 1), s.policy_id)"
      " WHERE s.session_id NOT IN (SELECT session_id FROM session_closing)"
      " ORDER BY s.session_id",
      {}, SessionOf);
}

Result<std::vector<OpenConnection>> ReadOpenConnections(const std::string& path) {
  return ReadRows<OpenConnection>(path, kOpenConnectionsSql, {}, ConnectionOf);
}

Result<std::vector<AnsweredAddress>> ReadAnsweredAddresses(const std::string& path,
                                                           int64_t since_us) {
  // Backwards by id, which is the order of time; CROSS JOIN keeps SQLite to it.
  return ReadRows<AnsweredAddress>(
      path,
      "SELECT q.session_id, q.query_id, n.text, r.data, q.time_us, ar.ttl - q.answer_age"
      " FROM (SELECT query_id, time_us, session_id, outcome_id, answer_id, answer_age FROM query"
      "  WHERE query_id > (SELECT max(query_id) FROM query) - ?2 ORDER BY query_id DESC) AS q"
      " CROSS JOIN outcome AS o ON o.outcome_id = q.outcome_id"
      " CROSS JOIN name AS n ON n.name_id = o.qname_id"
      " CROSS JOIN answer_record AS ar ON ar.answer_id = q.answer_id"
      " CROSS JOIN record AS r ON r.record_id = ar.record_id"
      " WHERE q.time_us > ?1 AND q.answer_id IS NOT NULL AND q.session_id IS NOT NULL"
      " AND q.session_id NOT IN (SELECT session_id FROM session_closing) AND r.type IN (1, 28)"
      " ORDER BY q.query_id DESC",
      {since_us, kMaxQueries}, AnsweredOf);
}

Result<std::vector<UsedLease>> ReadUsedLeases(const std::string& path, int64_t since_us) {
  return ReadRows<UsedLease>(
      path,
      "SELECT c.session_id, c.query_id, n.text, a.text, c.time_us"
      " FROM (SELECT session_id, query_id, name_id, address_id, time_us, reason FROM connection"
      "  WHERE connection_id > (SELECT max(connection_id) FROM connection) - ?2"
      "  ORDER BY connection_id DESC) AS c"
      " CROSS JOIN name AS n ON n.name_id = c.name_id"
      " CROSS JOIN address AS a ON a.address_id = c.address_id"
      " WHERE c.time_us > ?1 AND c.reason = ?3 AND c.session_id IS NOT NULL"
      " AND c.session_id NOT IN (SELECT session_id FROM session_closing)",
      {since_us, kMaxQueries, static_cast<int64_t>(Reason::kLease)}, UsedOf);
}

}  // namespace namegate::resolver
