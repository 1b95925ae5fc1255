// Removing what is old, slice by slice, with rows written and the ledger verified in between.

#include "resolver/ledger_references.h"
#include "tests/unit/removal_fixture.h"

namespace namegate::testing {
namespace {

using Findings = std::vector<std::string>;
using resolver::QueryRow;
using resolver::SessionClosedRow;

// An old part, and a new one that refers to some of it.
class RemovalTest : public RemovalLedger {
 public:
  RemovalTest() {
    ledger.Add(OpenedRow(ledger, "old and closed"));
    ledger.Add(OpenedRow(ledger, "old and open"));
    for (int i = 1; i <= 40; ++i) ledger.Add(Query(i == 7 ? 2 : 1, "old" + std::to_string(i)));
    auto many = Query(1, "many");
    many.count = 7;
    ledger.Add(many);
    ledger.Add(Connection(1, 1));
    ledger.Add(Connection(2, 5));
    ledger.Add(SessionClosedRow{1, kNoonUs, "closed"});
    EndOldPart();
    ledger.Add(OpenedRow(ledger, "new"));
    for (int i = 36; i <= 45; ++i) ledger.Add(Query(3, "old" + std::to_string(i)));
    ledger.Add(Connection(2, 7));
    ledger.Add(Connection(3, 43));
    ledger.Add(SessionClosedRow{3, kNoonUs, "closed"});
    ledger.Close();
    Open();
  }

  QueryRow Query(int64_t session, const std::string& name) {
    QueryRow row = query_;
    row.id = ++queries_;
    row.session = session;
    row.qname = Name(name + ".example");
    row.rule = name + ".example:443";
    row.answer = Answer({ARecord(name + ".cdn.example", "192.0.2.7", 300)});
    return row;
  }
  resolver::ConnectionRow Connection(int64_t session, int64_t query) {
    resolver::ConnectionRow row = connection_;
    row.id = ++connections_;
    row.session = session;
    row.query_id = query;
    row.name = Name("old" + std::to_string(query) + ".example");
    return row;
  }

 private:
  int64_t queries_ = 0;
  int64_t connections_ = 0;
  const QueryRow query_ = AllowedRow(ledger, "a.example");
  const resolver::ConnectionRow connection_ = ConnectedRow(ledger, "192.0.2.7:443");
};

TEST_CASE("Every table of the chain has its place in a removal, or stays for ever") {
  for (const SealedTable& table : kSealedTables) {
    const std::string name = table.table;
    INFO(name);
    bool placed = name == "notice" || name == "removal" || name == "removal_done";
    for (const resolver::RemovableTable& removable : resolver::RemovalOrder()) {
      placed = placed || kSealedTables[removable.table].table == name;
      for (const std::string& sql : removable.remove_with) {
        placed = placed || sql.starts_with("DELETE FROM " + name + " ");
      }
    }
    CHECK(placed);
  }
}

TEST_CASE_METHOD(RemovalTest, "What is old goes, with everything that nothing newer refers to") {
  const int64_t queries = std::stoll(ledger.Value("SELECT count(*) FROM queries"));
  Begin();
  Finish();
  CheckSound();
  // Query 7 admitted a new connection.
  CHECK(ledger.Value("SELECT group_concat(id) FROM queries WHERE id <= 41") == "7");
  CHECK(ledger.Value("SELECT count(*) FROM queries") == std::to_string(queries - 40));
  CHECK(ledger.Value("SELECT group_concat(id) FROM connections") == "3,4");
  CHECK(ledger.Value("SELECT group_concat(label) FROM sessions") == "old and open,new");
  CHECK(ledger.Value("SELECT count(*) FROM query_count") == "0");
  CHECK(ledger.Value("SELECT count(*) FROM name WHERE text = 'old1.example'") == "0");
  CHECK(ledger.Value("SELECT count(*) FROM name WHERE text = 'old7.cdn.example'") == "1");
  CHECK(ledger.Value("SELECT count(*) FROM name WHERE text = 'old36.example'") == "1");
  CHECK(ledger.Value("SELECT count(*) FROM answers") == "11");
  CHECK(ledger.Value("SELECT min(seal_id) FROM seal") == std::to_string(old_seal_ + 1));
}

TEST_CASE_METHOD(RemovalTest, "What was removed is on record") {
  Begin();
  Finish();
  CHECK(
      ledger.Value("SELECT id || ' ' || why || ' ' || seal || ' ' || queries || ' ' || connections"
                   " || ' ' || sessions FROM removals WHERE done IS NOT NULL") ==
      "1 age " + std::to_string(old_seal_) + " 40 2 1");
}

TEST_CASE_METHOD(RemovalTest,
                 "After any slice the ledger verifies, and is through when it says so") {
  Begin();
  bool through = false;
  while (!through) {
    through = Step();
    const Verification found = Verify();
    REQUIRE(found.findings.empty());
    REQUIRE(found.removal_under_way == !through);
    REQUIRE(found.removed_through_us);
  }
}

TEST_CASE_METHOD(RemovalTest, "Rows that are written in between hold what they refer to") {
  // In each round another old name is asked for again, before the slice that would remove it or
  // after.
  Begin();
  for (int i = 1; i <= 35; ++i) {
    Add(Query(2, "old" + std::to_string(i)));
    Add(Connection(2, i));
    if (removal && Step()) removal.reset();
  }
  if (removal) Finish();
  CheckSound();
  CHECK(ledger.Value("SELECT count(*) FROM queries WHERE id > 51 AND qname IS NOT NULL"
                     " AND answer_id IN (SELECT answer_id FROM answers)") == "35");
  CHECK(ledger.Value("SELECT count(*) FROM connections WHERE id > 4"
                     " AND (query_id IS NULL OR query_id IN (SELECT id FROM queries))") == "35");
}

TEST_CASE_METHOD(RemovalTest,
                 "A removal that was broken off anywhere is gone on with, and counts all") {
  Begin();
  // As kill -9 would, after each slice: nothing but the file is left.
  bool through = false;
  for (int slices = 1; !through; slices += 4) {
    for (int i = 0; i < slices && !through; ++i) through = Step();
    Open();
    CheckSound();
    if (!through) Resume();
  }
  CheckSound();
  CHECK(ledger.Value("SELECT queries || ' ' || connections || ' ' || sessions FROM removals") ==
        "40 2 1");
  CHECK(ledger.Value("SELECT count(*) FROM removals") == "1");
}

TEST_CASE_METHOD(RemovalTest,
                 "What stayed is still proven: a row that is changed is found and named") {
  Begin();
  Finish();
  const auto [sql, finding] = GENERATE(table<std::string, std::string>({
      {"UPDATE query SET time_us = time_us + 1 WHERE query_id = 7", "query 7 was changed (lot"},
      {"UPDATE session SET label = 'x' WHERE session_id = 2", "session 2 was changed (lot"},
      {"UPDATE name SET text = 'x' WHERE text = 'old7.example'", "name 13 was changed (lot"},
      {"UPDATE query SET time_us = time_us + 1 WHERE query_id = 45", "query 45 was changed (seal"},
      {"UPDATE removal SET why = 'size'", "removal 1 was changed (seal"},
      {"UPDATE removal_done SET queries = 1", "removal_done 1 was changed (seal"},
      {"UPDATE kept SET digest = zeroblob(32) WHERE lot = 1", "lot 1 of removal 1 does not match"},
      {"UPDATE kept SET digest = zeroblob(32) WHERE lot = (SELECT max(lot) FROM kept)", "lot "},
      {"DELETE FROM kept WHERE lot = (SELECT max(lot) FROM kept)",
       "what removal 1 left was changed"},
      {"UPDATE kept SET checks = x'00' WHERE lot = 1", "lot 1 of removal 1 has other checks"},
      {"INSERT INTO kept VALUES (2, 1, 0, 1, zeroblob(32), x'')", "1 rows of kept were inserted"},
      {"INSERT INTO removal_progress VALUES (1, 1, 1, 1)",
       "1 rows of removal_progress were inserted"},
  }));
  INFO(sql);
  REQUIRE(database.Execute(sql));
  const Findings findings = Verify().findings;
  REQUIRE_FALSE(findings.empty());
  CHECK_THAT(findings[0], Catch::StartsWith(finding));
}

TEST_CASE_METHOD(RemovalTest, "Rows from before the removal that are put back are found") {
  Begin();
  Finish();
  REQUIRE(database.Execute("INSERT INTO name (name_id, text) VALUES (1, 'good.example')"));
  REQUIRE(
      database.Execute("INSERT INTO seal (seal_id, time_us, keyed, digest, checks)"
                       " VALUES (1, 1, 0, zeroblob(32), x'')"));
  const Findings findings = Verify().findings;
  REQUIRE(findings.size() == 2);
  CHECK_THAT(findings[0], Catch::StartsWith("name 1 was inserted"));
  CHECK_THAT(findings[1], Catch::Contains("1 seals from before the removal were inserted"));
}

TEST_CASE_METHOD(RemovalTest,
                 "A head from before is said to be removed, one from behind still proves") {
  SealHead before = Verify().head;
  const auto first = database.QueryInteger("SELECT count(*) FROM seal");
  REQUIRE(first);
  const SealHead old{old_seal_ - 1, before.digest};
  Begin();
  Finish();
  CHECK(Verify(before).findings.empty());
  REQUIRE(Verify(old).findings.size() == 1);
  CHECK_THAT(Verify(old).findings[0], Catch::Contains("was removed") && Catch::Contains("age"));
  auto anchor = ReadChainAnchor(database);
  CHECK(Verify(SealHead{old_seal_, (*anchor)->seal_digest}).findings.empty());
  CHECK_FALSE(Verify(SealHead{old_seal_, before.digest}).findings.empty());
}

TEST_CASE_METHOD(RemovalTest, "Removals follow one another, up to the very last seal") {
  Begin();
  Finish();
  for (int round = 0; round < 3; ++round) {
    removal.reset();
    old_seal_ = database.QueryInteger("SELECT max(seal_id) FROM seal").value();
    Begin();
    Finish();
    CheckSound();
  }
  CHECK(ledger.Value("SELECT count(*) FROM removals WHERE done IS NOT NULL") == "4");
  // The newest row of each kind stays, so that no number is given twice.
  CHECK(ledger.Value("SELECT max(id) FROM queries") == "51");
  CHECK(ledger.Value("SELECT max(id) FROM connections") == "4");
  Open();
  ledger.Reopen();
  auto row = AllowedRow(ledger, "later.example");
  CHECK(row.id == 52);
  ledger.Add(row);
  CHECK(Verify().findings.empty());
}

TEST_CASE_METHOD(RemovalTest,
                 "A connection that an answer admits which is gone says nothing of it") {
  Begin();
  Finish();
  removal.reset();
  Open();
  Add(Connection(2, 9));
  CHECK(ledger.Value("SELECT query_id FROM connections WHERE id = 5") == "NULL");
  CHECK(ledger.Value("SELECT name FROM connections WHERE id = 5") == "old9.example");
  CheckSound();
}

}  // namespace
}  // namespace namegate::testing
