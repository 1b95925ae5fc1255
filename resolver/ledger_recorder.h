#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_answers.h"
#include "resolver/ledger_interned.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// Puts rows into the ledger's tables, inside a transaction of the caller's.
class LedgerRecorder {
 public:
  // `database` must outlive the recorder.
  static Result<std::unique_ptr<LedgerRecorder>> Create(Database& database);
  LedgerRecorder(const LedgerRecorder&) = delete;
  LedgerRecorder& operator=(const LedgerRecorder&) = delete;

  // After a failure the transaction must be rolled back, as part of the row may be there.
  Result<void> Record(const LedgerRow& row);
  // Must be called after every rollback: ids given since the transaction began are void.
  void ForgetIds();

  // Closes the sessions that are open in the ledger and had an owner.
  Result<void> CloseOwnedSessions(int64_t time_us, const std::string& why);

 private:
  LedgerRecorder() = default;
  Result<void> Prepare(Database& database);

  Result<void> RecordRow(const QueryRow& row);
  Result<void> RecordRow(const ConnectionRow& row);
  Result<void> RecordRow(const SessionOpenedRow& row);
  Result<void> RecordRow(const SessionClosedRow& row);

  Result<int64_t> OutcomeId(const QueryRow& row);
  Result<int64_t> FindOrInsertOutcome(const QueryRow& row);
  Result<int64_t> PolicyId(const std::string& text);
  // 0 for nothing.
  Result<int64_t> NameId(const std::optional<DomainName>& name);
  Result<int64_t> RuleId(const std::string& text);
  Result<int64_t> AddressId(const std::optional<Endpoint>& endpoint);

  InternedTable<DomainName> names_{"name"};
  InternedTable<IpAddress> addresses_{"address"};
  InternedTable<std::string> rules_{"rule"};
  InternedTable<std::string> programs_{"program"};
  InternedTable<std::string> gates_{"gate"};
  LedgerAnswers answers_{names_};
  IdCache<std::string> outcomes_;

  Prepared insert_query_{
      "INSERT INTO query (query_id, time_us, session_id, client_id, client_port, transport,"
      " outcome_id, verdict, source, duration_us, answer_id, answer_age)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {}};
  Prepared insert_count_{"INSERT INTO query_count (query_id, count) VALUES (?, ?)", {}};
  Prepared insert_connection_{
      "INSERT INTO connection (connection_id, time_us, session_id, gate_id, pid, program_id,"
      " protocol, address_id, port, verdict, reason, rule_id, name_id, query_id)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {}};
  Prepared insert_session_{
      "INSERT INTO session (session_id, opened_us, label, gate_id, policy_id, listen, client,"
      " token, owned) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {}};
  Prepared insert_closed_{
      "INSERT INTO session_closing (session_id, closed_us, why) VALUES (?, ?, ?)", {}};
  Prepared close_owned_{
      "INSERT INTO session_closing (session_id, closed_us, why)"
      " SELECT session_id, max(opened_us, ?), ? FROM session"
      " WHERE owned = 1 AND session_id NOT IN (SELECT session_id FROM session_closing)"
      " ORDER BY session_id",
      {}};
  // IS, not =, so that NULL finds NULL; it uses the index all the same.
  Prepared select_outcome_{
      "SELECT outcome_id FROM outcome WHERE qname_id IS ? AND qtype = ? AND qclass = ?"
      " AND reason = ? AND rule_id IS ? AND rcode = ? AND ede IS ? AND detail = ?",
      {}};
  Prepared insert_outcome_{
      "INSERT INTO outcome (qname_id, qtype, qclass, reason, rule_id, rcode, ede, detail)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      {}};
  Prepared select_policy_{"SELECT policy_id FROM policy WHERE digest = ?", {}};
  Prepared insert_policy_{"INSERT INTO policy (digest, text) VALUES (?, ?)", {}};
};

}  // namespace namegate::resolver
