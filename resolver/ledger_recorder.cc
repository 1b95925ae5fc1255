#include "resolver/ledger_recorder.h"

#include "common/escape.h"
#include "common/ledger_anchor.h"
#include "resolver/ledger_digest.h"

namespace namegate::resolver {
namespace {

// In these tables 0 is no id.
void BindId(Statement& statement, int parameter, int64_t id) {
  if (id == 0) {
    statement.BindNull(parameter);
  } else {
    statement.Bind(parameter, id);
  }
}

int64_t Number(auto value) { return static_cast<int64_t>(value); }

// What tells one outcome from another, as a key: the numbers, then the texts, each of which shows
// where it ends (a name in wire format by its root, a rule has no newline).
std::string OutcomeKey(const QueryRow& row) {
  const int numbers[] = {row.qtype, row.qclass, static_cast<int>(row.reason), row.rcode, row.ede};
  std::string key(reinterpret_cast<const char*>(numbers), sizeof(numbers));
  key += row.qname ? '+' : '-';
  if (row.qname) key += row.qname->wire();
  key += row.rule;
  key += '\n';
  key += row.detail;
  return key;
}

}  // namespace

Result<std::unique_ptr<LedgerRecorder>> LedgerRecorder::Create(Database& database) {
  std::unique_ptr<LedgerRecorder> recorder(new LedgerRecorder);
  if (auto prepared = recorder->Prepare(database); !prepared) return prepared.error();
  return recorder;
}

Result<void> LedgerRecorder::Prepare(Database& database) {
  auto anchor = ReadChainAnchor(database);
  if (!anchor) return anchor.error();
  const SealMarks removed = *anchor ? (*anchor)->marks : NoMarks();
  removed_queries_ = removed[SealedTablePlace("query")];
  if (auto done = names_.Prepare(database); !done) return done;
  if (auto done = addresses_.Prepare(database); !done) return done;
  if (auto done = rules_.Prepare(database); !done) return done;
  if (auto done = programs_.Prepare(database); !done) return done;
  if (auto done = gates_.Prepare(database); !done) return done;
  if (auto done = answers_.Prepare(database); !done) return done;
  if (auto done = later_.Prepare(database, removed[SealedTablePlace("connection")]); !done)
    return done;
  return PrepareAll(database, {&insert_query_, &insert_count_, &insert_connection_,
                               &insert_session_, &insert_notice_, &select_outcome_,
                               &insert_outcome_, &select_policy_, &insert_policy_, &select_query_});
}

void LedgerRecorder::NoteUses(UsedIds* used) {
  used_ = used;
  names_.NoteUses(used);
  addresses_.NoteUses(used);
  rules_.NoteUses(used);
  programs_.NoteUses(used);
  gates_.NoteUses(used);
  answers_.NoteUses(used);
  later_.NoteUses(used);
  outcomes_.Clear();
  if (used != nullptr) removed_queries_ = used->marks()[SealedTablePlace("query")];
}

Result<void> LedgerRecorder::Record(const LedgerRow& row) {
  return std::visit([this](const auto& kind) { return RecordRow(kind); }, row);
}

void LedgerRecorder::ForgetIds() {
  names_.Forget();
  addresses_.Forget();
  rules_.Forget();
  programs_.Forget();
  gates_.Forget();
  answers_.Forget();
  outcomes_.Clear();
}

Result<void> LedgerRecorder::RecordRow(const QueryRow& row) {
  UseSession(row.session);
  auto client = addresses_.IdOf(row.client.address);
  if (!client) return client.error();
  auto outcome = OutcomeId(row);
  if (!outcome) return outcome.error();
  Result<int64_t> answer = row.answer ? answers_.IdOf(row.answer) : int64_t{0};
  if (!answer) return answer.error();
  Statement& insert = insert_query_.statement;
  insert.Bind(1, row.id);
  insert.Bind(2, row.time_us);
  BindId(insert, 3, row.session);
  insert.Bind(4, *client);
  insert.Bind(5, int64_t{row.client.port});
  insert.Bind(6, Number(row.transport));
  insert.Bind(7, *outcome);
  insert.Bind(8, Number(row.verdict));
  insert.Bind(9, Number(row.source));
  insert.Bind(10, row.duration_us);
  BindId(insert, 11, *answer);
  insert.Bind(12, int64_t{row.answer_age_s});
  if (auto inserted = insert.Run(); !inserted || row.count == 1) return inserted;
  insert_count_.statement.Bind(1, row.id);
  insert_count_.statement.Bind(2, static_cast<int64_t>(row.count));
  return insert_count_.statement.Run();
}

Result<void> LedgerRecorder::RecordRow(const ConnectionRow& row) {
  UseSession(row.session);
  auto gate = gates_.IdOf(Printable(row.gate));
  if (!gate) return gate.error();
  auto program = programs_.IdOf(Printable(row.process));
  if (!program) return program.error();
  auto address = AddressId(row.destination);
  if (!address) return address.error();
  auto rule = RuleId(row.rule);
  if (!rule) return rule.error();
  auto name = NameId(row.name);
  if (!name) return name.error();
  auto query = QueryIfThere(row.query_id);
  if (!query) return query.error();
  Statement& insert = insert_connection_.statement;
  insert.Bind(1, row.id);
  insert.Bind(2, row.time_us);
  BindId(insert, 3, row.session);
  insert.Bind(4, *gate);
  insert.Bind(5, row.pid);
  insert.Bind(6, *program);
  insert.Bind(7, Number(row.protocol));
  BindId(insert, 8, *address);
  insert.BindNull(9);
  if (row.destination) insert.Bind(9, int64_t{row.destination->port});
  insert.Bind(10, Number(row.verdict));
  insert.Bind(11, Number(row.reason));
  BindId(insert, 12, *rule);
  BindId(insert, 13, *name);
  BindId(insert, 14, *query);
  if (auto inserted = insert.Run(); !inserted || row.count == 1) return inserted;
  return later_.RecordCount(row.id, row.count);
}

Result<void> LedgerRecorder::RecordRow(const SessionOpenedRow& row) {
  auto gate = gates_.IdOf(Printable(row.gate));
  if (!gate) return gate.error();
  auto policy = PolicyId(row.policy);
  if (!policy) return policy.error();
  Statement& insert = insert_session_.statement;
  insert.Bind(1, row.session);
  insert.Bind(2, row.time_us);
  insert.Bind(3, Printable(row.label));
  insert.Bind(4, *gate);
  insert.Bind(5, *policy);
  insert.Bind(6, Printable(row.listen));
  insert.Bind(7, Printable(row.client));
  insert.Bind(8, Printable(row.token));
  insert.Bind(9, int64_t{row.owned ? 1 : 0});
  auto done = insert.Run();
  for (const std::string& path : row.exposed) {
    if (done) done = later_.RecordExposure(row.session, path);
  }
  return done;
}

Result<void> LedgerRecorder::RecordRow(const SessionClosedRow& row) {
  UseSession(row.session);
  return later_.Record(row);
}

Result<void> LedgerRecorder::RecordRow(const PolicyChangedRow& row) {
  UseSession(row.session);
  auto policy = PolicyId(row.policy);
  if (!policy) return policy.error();
  return later_.Record(row, *policy);
}

Result<void> LedgerRecorder::RecordRow(const NoticeRow& row) {
  Statement& insert = insert_notice_.statement;
  insert.Bind(1, row.time_us);
  insert.Bind(2, Printable(row.kind));
  insert.Bind(3, Printable(row.text));
  return insert.Run();
}

Result<int64_t> LedgerRecorder::OutcomeId(const QueryRow& row) {
  const std::string key = OutcomeKey(row);
  if (const int64_t known = outcomes_.Find(key); known != 0) return known;
  auto id = FindOrInsertOutcome(row);
  if (id) outcomes_.Put(key, *id);
  if (id && used_ != nullptr) used_->Add(SealedTablePlace("outcome"), *id);
  return id;
}

Result<int64_t> LedgerRecorder::FindOrInsertOutcome(const QueryRow& row) {
  auto qname = NameId(row.qname);
  if (!qname) return qname;
  auto rule = RuleId(row.rule);
  if (!rule) return rule;
  for (Prepared* prepared : {&select_outcome_, &insert_outcome_}) {
    Statement& statement = prepared->statement;
    BindId(statement, 1, *qname);
    statement.Bind(2, int64_t{row.qtype});
    statement.Bind(3, int64_t{row.qclass});
    statement.Bind(4, Number(row.reason));
    BindId(statement, 5, *rule);
    statement.Bind(6, int64_t{row.rcode});
    statement.BindNull(7);
    if (row.ede >= 0) statement.Bind(7, int64_t{row.ede});
    statement.Bind(8, Printable(row.detail));
  }
  auto found = FindId(select_outcome_.statement);
  if (!found || *found != 0) return found;
  return Insert(insert_outcome_.statement);
}

void LedgerRecorder::UseSession(int64_t session) {
  if (used_ != nullptr && session != 0) used_->Add(SealedTablePlace("session"), session);
}

Result<int64_t> LedgerRecorder::QueryIfThere(int64_t query_id) {
  if (query_id == 0 || query_id > removed_queries_) return query_id;
  select_query_.statement.Bind(1, query_id);
  auto found = FindId(select_query_.statement);
  if (found && *found != 0 && used_ != nullptr) used_->Add(SealedTablePlace("query"), *found);
  return found;
}

Result<int64_t> LedgerRecorder::PolicyId(const std::string& text) {
  auto id = FindOrInsertPolicy(text);
  if (id && used_ != nullptr) used_->Add(SealedTablePlace("policy"), *id);
  return id;
}

Result<int64_t> LedgerRecorder::FindOrInsertPolicy(const std::string& text) {
  const Digest digest = DigestOf(text);
  select_policy_.statement.BindBlob(1, digest);
  auto found = FindId(select_policy_.statement);
  if (!found || *found != 0) return found;
  insert_policy_.statement.BindBlob(1, digest);
  insert_policy_.statement.Bind(2, text);
  return Insert(insert_policy_.statement);
}

Result<int64_t> LedgerRecorder::NameId(const std::optional<DomainName>& name) {
  if (!name) return int64_t{0};
  return names_.IdOf(*name);
}

Result<int64_t> LedgerRecorder::RuleId(const std::string& text) {
  if (text.empty()) return int64_t{0};
  return rules_.IdOf(text);
}

Result<int64_t> LedgerRecorder::AddressId(const std::optional<Endpoint>& endpoint) {
  if (!endpoint) return int64_t{0};
  return addresses_.IdOf(endpoint->address);
}

}  // namespace namegate::resolver
