// Seals: whatever somebody changes in a ledger, at rest or in use, is found and named.

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/ledger_verifier.h"
#include "tests/support/skip.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

using Findings = std::vector<std::string>;
using resolver::SessionClosedRow;

// A ledger of some groups, at rest.
class SealTest {
 public:
  SealTest() {
    ledger.Add(OpenedRow(ledger, "build"));
    std::vector<resolver::LedgerRow> group;
    for (int i = 1; i <= 20; ++i) {
      auto row = AllowedRow(ledger, "host" + std::to_string(i) + ".example");
      row.answer = Answer({ARecord("host.example", "192.0.2." + std::to_string(i), 300)});
      group.emplace_back(row);
    }
    ledger.WriteAsOneGroup(group);
    ledger.Add(ConnectedRow(ledger, "192.0.2.7:443"));
    ledger.Add(RefusedRow(ledger, "192.0.2.9:22"));
    auto flood = DeniedRow(ledger, "flood.example");
    flood.count = 99;
    ledger.Add(flood);
    ledger.Add(resolver::NoticeRow{kNoonUs + 8, "begun", "A ledger was begun."});
    ledger.Add(SessionClosedRow{1, kNoonUs + 9, "closed"});
    ledger.Close();
  }

  Database Open(Database::Mode mode) const {
    auto database = Database::Open(ledger.path(), mode);
    REQUIRE(database);
    return *std::move(database);
  }

  void Tamper(const std::string& sql) const {
    auto database = Open(Database::Mode::kReadWriteCreate);
    INFO(sql);
    REQUIRE(database.Execute(sql));
    REQUIRE(sqlite3_total_changes(database.handle()) > 0);
  }

  Verification Verify(const std::optional<SealHead>& since = std::nullopt,
                      const std::optional<SealKey>& key = std::nullopt) const {
    auto database = Open(Database::Mode::kReadOnly);
    auto verified = VerifyLedger(database, key, since);
    if (!verified) FAIL(verified.error().message);
    return *verified;
  }

  Findings FindingsAfter(const std::string& sql) const {
    Tamper(sql);
    return Verify().findings;
  }

  TestLedger ledger;
};

TEST_CASE_METHOD(SealTest, "A ledger that nobody changed is intact, and goes on being so") {
  const Verification first = Verify();
  CHECK(first.findings.empty());
  CHECK(first.rows > 60);
  CHECK(first.seals >= 6);
  ledger.Reopen();
  ledger.Add(DeniedRow(ledger, "later.example"));
  const Verification second = Verify(first.head);
  CHECK(second.findings.empty());
  CHECK(second.seals == first.seals + 1);
}

TEST_CASE_METHOD(SealTest, "A group that failed is in no seal, and the chain goes on") {
  ledger.Reopen();
  auto twice = DeniedRow(ledger, "twice.example");
  ledger.Add(twice);
  CHECK(ledger.Write({twice, DeniedRow(ledger, "other.example")}) ==
        std::vector<bool>{false, true});
  CHECK(ledger.Write({twice}) == std::vector<bool>{false});
  ledger.Add(DeniedRow(ledger, "last.example"));
  CHECK(Verify().findings.empty());
}

TEST_CASE_METHOD(SealTest, "A changed row is found and named, whichever the table") {
  const auto [sql, finding] = GENERATE(table<std::string, std::string>({
      {"UPDATE query SET time_us = time_us + 1 WHERE query_id = 7", "query 7 was changed"},
      {"UPDATE query SET verdict = 0 WHERE query_id = 20", "query 20 was changed"},
      {"UPDATE connection SET port = 80 WHERE connection_id = 1", "connection 1 was changed"},
      {"UPDATE name SET text = 'good.example' WHERE name_id = 3", "name 3 was changed"},
      {"UPDATE address SET text = '192.0.2.99' WHERE address_id = 2", "address 2 was changed"},
      {"UPDATE rule SET text = '*:443' WHERE rule_id = 1", "rule 1 was changed"},
      {"UPDATE program SET text = 'wget' WHERE program_id = 1", "program 1 was changed"},
      {"UPDATE gate SET text = 'none' WHERE gate_id = 1", "gate 1 was changed"},
      {"UPDATE policy SET text = 'x' WHERE policy_id = 1", "policy 1 was changed"},
      {"UPDATE record SET data = '192.0.2.99' WHERE record_id = 4", "record 4 was changed"},
      {"UPDATE answer_record SET ttl = 1 WHERE answer_id = 5", "answer_set 5 was changed"},
      {"UPDATE outcome SET rcode = 5 WHERE outcome_id = 6", "outcome 6 was changed"},
      {"UPDATE session SET label = 'x'", "session 1 was changed"},
      {"UPDATE session_closing SET why = 'x'", "session_closing 1 was changed"},
      {"UPDATE query_count SET count = 2", "query_count 21 was changed"},
      {"UPDATE notice SET text = 'x'", "notice 1 was changed"},
      {"UPDATE reason SET meaning = 'x' WHERE code = 'rebinding'", "reason 43 was changed"},
      {"UPDATE rcode SET name = 'x' WHERE code = 3", "rcode 3 was changed"},
  }));
  const Findings findings = FindingsAfter(sql);
  INFO(sql);
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0], Catch::StartsWith(finding));
}

TEST_CASE_METHOD(SealTest, "Rows that were exchanged are both named") {
  const Findings findings = FindingsAfter(
      "UPDATE query SET query_id = -1 WHERE query_id = 4;"
      "UPDATE query SET query_id = 4 WHERE query_id = 9;"
      "UPDATE query SET query_id = 9 WHERE query_id = -1");
  REQUIRE(findings.size() == 2);
  CHECK_THAT(findings[0], Catch::StartsWith("query 4 was changed"));
  CHECK_THAT(findings[1], Catch::StartsWith("query 9 was changed"));
}

TEST_CASE_METHOD(SealTest, "A removed row is found and named") {
  const auto removed = [&](const std::string& table, const std::string& where) {
    return FindingsAfter("DELETE FROM " + table + " WHERE " + where).back();
  };
  CHECK_THAT(removed("query", "query_id = 7"), Catch::StartsWith("query 7 was removed"));
  CHECK(Verify().findings.size() == 1);
  Tamper("DELETE FROM query WHERE query_id IN (10, 11)");
  CHECK_THAT(Verify().findings.at(1),
             Catch::StartsWith("a row of query after 9 and before 12 was removed"));
  CHECK_THAT(removed("connection", "connection_id = 2"),
             Catch::StartsWith("connection 2 was removed"));
  CHECK_THAT(removed("session_closing", "1"), Catch::StartsWith("session_closing 1 was removed"));
}

TEST_CASE_METHOD(SealTest,
                 "An inserted row is found and named, below, within and behind the others") {
  const std::string columns =
      "(query_id, time_us, client_id, client_port, transport, outcome_id, verdict, source,"
      " duration_us, answer_age) VALUES ";
  const std::string values = ", 1, 1, 1, 0, 1, 1, 0, 1, 0)";
  const auto insert = [&](const std::string& id) {
    return "INSERT INTO query " + columns + "(" + id + values;
  };
  CHECK_THAT(FindingsAfter(insert("99")).at(0), Catch::StartsWith("query 99 was inserted"));
  CHECK_THAT(FindingsAfter(insert("0")).at(0), Catch::StartsWith("query 0 was inserted"));
  Tamper("DELETE FROM query WHERE query_id IN (0, 99)");
  CHECK(Verify().findings.empty());
  CHECK(FindingsAfter(insert("-9223372036854775808")).size() == 1);
  Tamper("DELETE FROM query WHERE query_id < 0");
  CHECK(FindingsAfter("INSERT INTO answer_record VALUES (999, 1, 1, 1)").size() == 1);
}

TEST_CASE_METHOD(SealTest, "A row that was inserted is found when the daemon has gone on writing") {
  Tamper("INSERT INTO name (text) VALUES ('planted.example')");
  ledger.Reopen();
  ledger.Add(DeniedRow(ledger, "later.example"));
  const Findings findings = Verify().findings;
  REQUIRE_FALSE(findings.empty());
  CHECK_THAT(findings[0], Catch::StartsWith("name ") && Catch::Contains("inserted"));
}

TEST_CASE_METHOD(SealTest, "A changed view or table is found") {
  auto database = Open(Database::Mode::kReadWriteCreate);
  REQUIRE(
      database.Execute("DROP VIEW denials; CREATE VIEW denials AS SELECT 1;"
                       "CREATE TRIGGER hide AFTER INSERT ON query BEGIN SELECT 1; END"));
  const Findings findings = Verify().findings;
  REQUIRE(findings.size() == 2);
  CHECK(findings[0] == "view denials was changed");
  CHECK(findings[1] == "trigger hide was inserted");
}

TEST_CASE_METHOD(SealTest, "What is called as SQLite calls its own parts is found too") {
  const auto [sql, finding] = GENERATE(table<std::string, std::string>({
      {"CREATE TRIGGER sqlitex AFTER INSERT ON query BEGIN"
       " UPDATE query SET verdict = 1 WHERE query_id = new.query_id; END",
       "trigger sqlitex was inserted"},
      {"CREATE TABLE sqlitez (x)", "table sqlitez was inserted"},
      {"CREATE VIEW sqlite8 AS SELECT 1", "view sqlite8 was inserted"},
      {"ANALYZE", "table sqlite_stat1 was inserted"},
      {"PRAGMA writable_schema = 1; INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_x', "
       "'query',"
       " 0, 'CREATE TRIGGER sqlite_x AFTER INSERT ON query BEGIN SELECT 1; END')",
       "trigger sqlite_x was inserted"},
  }));
  auto database = Open(Database::Mode::kReadWriteCreate);
  INFO(sql);
  REQUIRE(database.Execute(sql));
  const Findings findings = Verify().findings;
  REQUIRE_FALSE(findings.empty());
  CHECK(findings[0] == finding);
}

TEST_CASE_METHOD(SealTest, "Rows that an index does not lead to any more are found") {
  const auto rename = [](const std::string& from, const std::string& to) {
    return "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, '" + from +
           "', '" + to + "') WHERE name = 'query_denied'";
  };
  Tamper(rename("verdict = 0", "verdict = 0 AND 1 = 0"));
  REQUIRE(Open(Database::Mode::kReadWriteCreate).Execute("REINDEX query_denied"));
  Tamper(rename("verdict = 0 AND 1 = 0", "verdict = 0"));
  REQUIRE(ledger.Value("SELECT count(*) FROM denied_queries") == "0");
  const Findings findings = Verify().findings;
  REQUIRE_FALSE(findings.empty());
  CHECK_THAT(findings[0], Catch::Contains("missing from index query_denied"));
}

TEST_CASE_METHOD(SealTest, "What no seal covers is found where it does not belong") {
  const auto [sql, finding] = GENERATE(table<std::string, std::string>({
      {"UPDATE seal SET checks = x'00' WHERE seal_id = 2", "seal 2 has other checks"},
      {"INSERT INTO kept VALUES (1, 1, 0, 1, zeroblob(32), x'')", "1 rows of kept were inserted"},
      {"INSERT INTO removal_progress VALUES (1, 1, 1, 1)",
       "1 rows of removal_progress were inserted"},
      {"INSERT INTO seal (seal_id, time_us, keyed, digest, checks)"
       " VALUES (-9223372036854775808, 1, 0, zeroblob(32), x'')",
       "1 seals with numbers below 1 were inserted"},
  }));
  const Findings findings = FindingsAfter(sql);
  INFO(sql);
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0], Catch::StartsWith(finding));
}

TEST_CASE_METHOD(SealTest, "Seals that were changed, removed or cut off are found") {
  const SealHead head = Verify().head;
  SECTION("a digest") {
    CHECK(FindingsAfter("UPDATE seal SET digest = zeroblob(32) WHERE seal_id = 3").size() == 2);
  }
  SECTION("a time") {
    CHECK_FALSE(FindingsAfter("UPDATE seal SET time_us = time_us + 1 WHERE seal_id = 3").empty());
  }
  SECTION("a seal and its rows from the middle") {
    CHECK_FALSE(FindingsAfter("DELETE FROM seal WHERE seal_id = 3").empty());
  }
  SECTION("the end with its rows, which only a head that was kept can tell") {
    Tamper("DELETE FROM session_closing; DELETE FROM seal WHERE seal_id = " +
           std::to_string(head.seal_id));
    CHECK(Verify().findings.empty());
    CHECK_THAT(Verify(head).findings.at(0), Catch::Contains("is not there"));
  }
}

TEST_CASE_METHOD(SealTest, "A ledger that was forged whole differs from the head that was kept") {
  const SealHead head = Verify().head;
  CHECK(SealHead::FromText(head.ToText())->digest == head.digest);
  const TempDir elsewhere;
  TestLedger forged(elsewhere.path());
  forged.Add(OpenedRow(forged, "build"));
  for (int64_t i = 0; i < head.seal_id; ++i) forged.Add(DeniedRow(forged, "evil.example"));
  forged.Close();
  auto database = Database::Open(forged.path(), Database::Mode::kReadOnly);
  REQUIRE(database);
  CHECK(VerifyLedger(*database, std::nullopt, std::nullopt)->intact());
  CHECK_THAT(VerifyLedger(*database, std::nullopt, head)->findings.at(0),
             Catch::Contains("not the one that was kept"));
}

TEST_CASE("Heads are read back only if they are whole") {
  const std::string digest(64, 'a');
  CHECK(SealHead::FromText("1:" + digest));
  CHECK(SealHead::FromText(SealHead{}.ToText()));
  for (const std::string& text :
       {std::string(), std::string("1"), "1:" + digest + "a", ":" + digest, "0:" + digest,
        "-1:" + digest, "1:" + std::string(64, 'G'), "99999999999999999999:" + digest,
        "1 :" + digest}) {
    INFO(text);
    CHECK_FALSE(SealHead::FromText(text));
  }
}

TEST_CASE("With a key, only its holder can make and verify seals") {
  const TempDir directory;
  const std::string path = directory.Write("key", "sixteen octets!!");
  chmod(path.c_str(), 0600);
  const auto key = SealKey::FromFile(path);
  REQUIRE(key);
  REQUIRE(*key);
  const std::string ledger_path = directory.File("ledger.db");
  {
    auto writer = resolver::LedgerWriter::Open(
        ledger_path, resolver::Durability::kProcess, [] {}, *key);
    REQUIRE(writer);
    resolver::SessionOpenedRow row;
    row.session = 1;
    row.gate = "none";
    (*writer)->Submit(row, [](bool) {});
  }
  auto database = Database::Open(ledger_path, Database::Mode::kReadWriteCreate);
  REQUIRE(database);
  CHECK(VerifyLedger(*database, *key, std::nullopt)->intact());
  CHECK(VerifyLedger(*database, *key, std::nullopt)->unkeyed == 0);
  CHECK_THAT(VerifyLedger(*database, std::nullopt, std::nullopt).error().message,
             Catch::Contains("--key"));
  const std::string other = directory.Write("other", "sixteen octets??");
  chmod(other.c_str(), 0600);
  const auto wrong = SealKey::FromFile(other);
  REQUIRE(wrong);
  CHECK_FALSE(VerifyLedger(*database, *wrong, std::nullopt)->intact());
}

TEST_CASE("A key that others can read, or that is none, is refused") {
  const TempDir directory;
  CHECK(SealKey::FromFile(directory.File("absent")).value() == std::nullopt);
  const auto error = [&](const std::string& content, mode_t mode) {
    const std::string path = directory.Write("key", content);
    chmod(path.c_str(), mode);
    const auto key = SealKey::FromFile(path);
    return key ? "read" : key.error().message;
  };
  CHECK(error(std::string(16, 'k'), 0600) == "read");
  CHECK(error(std::string(4096, 'k'), 0400) == "read");
  CHECK_THAT(error(std::string(16, 'k'), 0640), Catch::Contains("chmod 600"));
  CHECK_THAT(error(std::string(15, 'k'), 0600), Catch::Contains("16 to 4096"));
  CHECK_THAT(error(std::string(4097, 'k'), 0600), Catch::Contains("16 to 4096"));
  CHECK_THAT(error("", 0600), Catch::Contains("16 to 4096"));
  CHECK_FALSE(SealKey::FromFile(directory.path()));
  REQUIRE(mkfifo(directory.File("pipe").c_str(), 0600) == 0);
  CHECK_FALSE(SealKey::FromFile(directory.File("pipe")));
}

TEST_CASE("A key of another user is refused, unless the directory is his too") {
  NeedRoot("give a file away");
  const TempDir directory;
  const std::string path = directory.Write("key", std::string(16, 'k'));
  chmod(path.c_str(), 0600);
  CHECK(SealKey::FromFile(path));
  REQUIRE(chown(path.c_str(), 12345, 12345) == 0);
  CHECK_THAT(SealKey::FromFile(path).error().message, Catch::Contains("another user"));
  REQUIRE(chown(directory.path().c_str(), 12345, 12345) == 0);
  CHECK(SealKey::FromFile(path));
}

}  // namespace
}  // namespace namegate::testing
