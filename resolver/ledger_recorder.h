#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_answers.h"
#include "resolver/ledger_interned.h"
#include "resolver/ledger_later.h"
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
  // While a removal is under way: notes in `used` every row that further rows refer to, until it is
  // null. A query up to its mark may be gone when a connection comes that it admitted: then the
  // connection's row says nothing of it.
  void NoteUses(UsedIds* used);

 private:
  LedgerRecorder() = default;
  Result<void> Prepare(Database& database);

  Result<void> RecordRow(const QueryRow& row);
  Result<void> RecordRow(const ConnectionRow& row);
  Result<void> RecordRow(const SessionOpenedRow& row);
  Result<void> RecordRow(const SessionClosedRow& row);
  Result<void> RecordRow(const ConnectionEndedRow& row) { return later_.Record(row); }
  Result<void> RecordRow(const PolicyChangedRow& row);
  Result<void> RecordRow(const NoticeRow& row);

  Result<int64_t> OutcomeId(const QueryRow& row);
  Result<int64_t> FindOrInsertOutcome(const QueryRow& row);
  Result<int64_t> PolicyId(const std::string& text);
  Result<int64_t> FindOrInsertPolicy(const std::string& text);
  // Every row of a session but the first, so that it stays with them.
  void UseSession(int64_t session);
  // The query, or 0 if it was removed.
  Result<int64_t> QueryIfThere(int64_t query_id);
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
  LedgerLater later_;
  IdCache<std::string> outcomes_;
  UsedIds* used_ = nullptr;
  int64_t removed_queries_ = kNoMark;  // a query up to this may be gone

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
  Prepared insert_notice_{"INSERT INTO notice (time_us, kind, text) VALUES (?, ?, ?)", {}};
  // IS, not =, so that NULL finds NULL; it uses the index all the same.
  Prepared select_outcome_{
      "SELECT outcome_id FROM outcome WHERE qname_id IS ? AND qtype = ? AND qclass = ?"
      " AND reason = ? AND rule_id IS ? AND rcode = ? AND ede IS ? AND detail = ?",
      {}};
  Prepared insert_outcome_{
      "INSERT INTO outcome (qname_id, qtype, qclass, reason, rule_id, rcode, ede, detail)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      {}};
  Prepared select_query_{"SELECT query_id FROM query WHERE query_id = ?", {}};
  Prepared select_policy_{"SELECT policy_id FROM policy WHERE digest = ?", {}};
  Prepared insert_policy_{"INSERT INTO policy (digest, text) VALUES (?, ?)", {}};
};

}  // namespace namegate::resolver
