#include "resolver/ledger_sessions.h"

#include "common/sqlite.h"
#include "resolver/dns.h"

namespace namegate::resolver {
namespace {

// Rows of `query` that are looked at: a second or two at the start of the daemon.
constexpr int64_t kMaxQueries = 1'000'000;

}  // namespace

Result<std::vector<OpenSession>> ReadOpenSessions(const std::string& path) {
  auto ledger = Database::Open(path, Database::Mode::kReadOnly);
  if (!ledger) return ledger.error();
  auto select = ledger->Prepare(
      "SELECT s.session_id, s.opened_us, s.label, g.text, p.text, s.listen, s.client, s.token"
      " FROM session AS s JOIN gate AS g ON g.gate_id = s.gate_id"
      " JOIN policy AS p ON p.policy_id = s.policy_id"
      " WHERE s.session_id NOT IN (SELECT session_id FROM session_closing)"
      " ORDER BY s.session_id");
  if (!select) return select.error();
  std::vector<OpenSession> sessions;
  while (true) {
    auto row = select->Step();
    if (!row) return row.error();
    if (!*row) return sessions;
    const auto text = [&](int column) { return std::string(select->text(column)); };
    sessions.push_back({select->integer(0), select->integer(1), text(2), text(3), text(4), text(5),
                        text(6), text(7)});
  }
}

Result<std::vector<AnsweredAddress>> ReadAnsweredAddresses(const std::string& path,
                                                           int64_t since_us) {
  auto ledger = Database::Open(path, Database::Mode::kReadOnly);
  if (!ledger) return ledger.error();
  // Backwards by id, which is the order of time; CROSS JOIN keeps SQLite to it.
  auto select = ledger->Prepare(
      "SELECT q.session_id, q.query_id, n.text, r.data, q.time_us, ar.ttl - q.answer_age"
      " FROM (SELECT query_id, time_us, session_id, outcome_id, answer_id, answer_age FROM query"
      "  WHERE query_id > (SELECT max(query_id) FROM query) - ?2 ORDER BY query_id DESC) AS q"
      " CROSS JOIN outcome AS o ON o.outcome_id = q.outcome_id"
      " CROSS JOIN name AS n ON n.name_id = o.qname_id"
      " CROSS JOIN answer_record AS ar ON ar.answer_id = q.answer_id"
      " CROSS JOIN record AS r ON r.record_id = ar.record_id"
      " WHERE q.time_us > ?1 AND q.answer_id IS NOT NULL AND q.session_id IS NOT NULL"
      " AND q.session_id NOT IN (SELECT session_id FROM session_closing) AND r.type IN (1, 28)"
      " ORDER BY q.query_id DESC");
  if (!select) return select.error();
  select->Bind(1, since_us);
  select->Bind(2, kMaxQueries);
  std::vector<AnsweredAddress> answered;
  while (true) {
    auto row = select->Step();
    if (!row) return row.error();
    if (!*row) return answered;
    const auto qname = DomainName::FromText(select->text(2));
    const auto address = IpAddress::FromText(std::string(select->text(3)));
    if (!qname || !address) continue;
    answered.push_back({select->integer(0), select->integer(1), *qname, *address,
                        select->integer(4), select->integer(5)});
  }
}

}  // namespace namegate::resolver
