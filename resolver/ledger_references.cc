#include "resolver/ledger_references.h"

#include "common/ledger_seal.h"

namespace namegate::resolver {
namespace {

constexpr size_t kName = SealedTablePlace("name");
constexpr size_t kAddress = SealedTablePlace("address");
constexpr size_t kRule = SealedTablePlace("rule");
constexpr size_t kProgram = SealedTablePlace("program");
constexpr size_t kGate = SealedTablePlace("gate");
constexpr size_t kPolicy = SealedTablePlace("policy");
constexpr size_t kRecord = SealedTablePlace("record");
constexpr size_t kAnswer = SealedTablePlace("answer_set");
constexpr size_t kOutcome = SealedTablePlace("outcome");
constexpr size_t kSession = SealedTablePlace("session");
constexpr size_t kQuery = SealedTablePlace("query");
constexpr size_t kConnection = SealedTablePlace("connection");

std::string Newest(size_t table) {
  return std::string("SELECT max(") + kSealedTables[table].id + ") FROM " +
         kSealedTables[table].table;
}

// "SELECT ID, COLUMNS FROM TABLE …", by the table's own ids.
ReferenceScan ScanOf(const char* name, const std::string& columns, std::vector<size_t> holds) {
  const size_t table = SealedTablePlace(name);
  const std::string id = kSealedTables[table].id;
  return {table, false,
          "SELECT " + id + ", " + columns + " FROM " + name + " WHERE " + id + " > ?1 AND " + id +
              " <= ?2 ORDER BY " + id + " LIMIT ?3",
          std::move(holds)};
}

ReferenceScan Later(ReferenceScan scan) {
  scan.later = true;
  return scan;
}

// A table of values, which stand alone.
RemovableTable Values(const char* name) {
  const size_t table = SealedTablePlace(name);
  return {table, {Newest(table)}, {}, {}, {}};
}

// Rows of `child`, a table with ids of its own, go with the row of `parent` that they are about;
// such as came later hold it.
void AddChild(const char* child, const std::string& column, RemovableTable& parent) {
  const size_t table = SealedTablePlace(child);
  parent.stays.push_back("SELECT " + column + " FROM " + child + " ORDER BY " +
                         kSealedTables[table].id + " DESC LIMIT 1");
  parent.held_by.push_back(Later(ScanOf(child, column, {parent.table})));
  parent.remove_with.push_back("DELETE FROM " + std::string(child) + " WHERE " + column + " = ?1");
}

RemovableTable Connections() {
  RemovableTable connection{kConnection, {Newest(kConnection)}, {}, {}, {}};
  connection.references = {ScanOf(
      "connection", "session_id, gate_id, program_id, address_id, rule_id, name_id, query_id",
      {kSession, kGate, kProgram, kAddress, kRule, kName, kQuery})};
  // Those that an enclave still carries will end yet.
  connection.held_by = {
      {kConnection,
       false,
       "SELECT c.connection_id, iif(c.verdict = 1 AND g.text = 'enclave' AND e.ending_id IS NULL"
       " AND x.closing_id IS NULL, c.connection_id, NULL) FROM connection AS c"
       " LEFT JOIN session AS s ON s.session_id = c.session_id"
       " LEFT JOIN gate AS g ON g.gate_id = s.gate_id"
       " LEFT JOIN connection_ending AS e ON e.connection_id = c.connection_id"
       " LEFT JOIN session_closing AS x ON x.session_id = c.session_id"
       " WHERE c.connection_id > ?1 AND c.connection_id <= ?2 ORDER BY c.connection_id LIMIT ?3",
       {kConnection}}};
  AddChild("connection_ending", "connection_id", connection);
  connection.remove_with.emplace_back("DELETE FROM connection_count WHERE connection_id = ?1");
  return connection;
}

RemovableTable Sessions() {
  RemovableTable session{kSession, {Newest(kSession)}, {}, {}, {}};
  // Those that are open.
  session.held_by = {
      {kSession,
       false,
       "SELECT s.session_id, iif(c.session_id IS NULL, s.session_id, NULL) FROM session AS s"
       " LEFT JOIN session_closing AS c ON c.session_id = s.session_id"
       " WHERE s.session_id > ?1 AND s.session_id <= ?2 ORDER BY s.session_id LIMIT ?3",
       {kSession}}};
  AddChild("session_closing", "session_id", session);
  session.references = {ScanOf("session", "gate_id, policy_id", {kGate, kPolicy})};
  AddChild("policy_change", "session_id", session);
  session.references.push_back(ScanOf("policy_change", "policy_id", {kPolicy}));
  AddChild("exposure", "session_id", session);
  return session;
}

RemovableTable Answers() {
  RemovableTable answer{kAnswer, {Newest(kAnswer)}, {}, {}, {}};
  answer.remove_with = {"DELETE FROM answer_record WHERE answer_id = ?1"};
  // The limit counts whole answers, since a scan goes on behind the last id that it saw.
  answer.references = {
      {kAnswer,
       false,
       "SELECT s.answer_id, r.record_id FROM (SELECT answer_id FROM answer_set"
       "  WHERE answer_id > ?1 AND answer_id <= ?2 ORDER BY answer_id LIMIT ?3) AS s"
       " LEFT JOIN answer_record AS r ON r.answer_id = s.answer_id ORDER BY s.answer_id",
       {kRecord}}};
  return answer;
}

}  // namespace

std::vector<RemovableTable> RemovalOrder() {
  RemovableTable query{kQuery, {Newest(kQuery)}, {}, {}, {}};
  query.remove_with = {"DELETE FROM query_count WHERE query_id = ?1"};
  query.references = {ScanOf("query", "session_id, client_id, outcome_id, answer_id",
                             {kSession, kAddress, kOutcome, kAnswer})};

  RemovableTable outcome{kOutcome, {Newest(kOutcome)}, {}, {}, {}};
  outcome.references = {ScanOf("outcome", "qname_id, rule_id", {kName, kRule})};

  RemovableTable record{kRecord, {Newest(kRecord)}, {}, {}, {}};
  record.references = {ScanOf("record", "owner_id", {kName})};

  return {Connections(),  query,          Sessions(),        outcome,
          Answers(),      record,         Values("policy"),  Values("program"),
          Values("gate"), Values("rule"), Values("address"), Values("name")};
}

}  // namespace namegate::resolver
