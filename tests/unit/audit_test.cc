#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/unit/audit_fixture.h"

namespace namegate::testing {
namespace {

TEST_CASE_METHOD(AuditTest, "The summary counts, and ranks what was denied with its remedy") {
  const json summary = Json({"summary"});
  CHECK(summary["sessions"] == 2);
  CHECK(summary["sessions_open"] == 1);
  CHECK(summary["queries_allowed"] == 1);
  CHECK(summary["queries_denied"] == 3);
  CHECK(summary["connections_allowed"] == 1);
  CHECK(summary["connections_denied"] == 1);
  REQUIRE(summary["most_denied"].size() == 3);
  CHECK(summary["most_denied"][0]["what"] == "evil.example");
  CHECK(summary["most_denied"][0]["times"] == 2);
  CHECK(summary["most_denied"][0]["remedy"] == "evil.example:443");
  const std::string text = Audit({"summary"}).out;
  CHECK_THAT(text, Catch::Contains("Queries:      1 allowed, 3 denied"));
  CHECK_THAT(text, Catch::Contains("--allow evil.example:443"));
}

TEST_CASE_METHOD(AuditTest, "A row that stands for several queries is counted as those") {
  auto flood = DeniedRow(ledger, "flood.example");
  flood.reason = Reason::kOverloaded;
  flood.count = 1000;
  ledger.Add(flood);
  const json summary = Json({"summary"});
  CHECK(summary["queries_denied"] == 1003);
  CHECK(summary["queries_allowed"] == 1);
  CHECK(summary["most_denied"][0]["what"] == "flood.example");
  CHECK(summary["most_denied"][0]["times"] == 1000);
  CHECK(Json({"queries"})[3]["count"] == 1);
  CHECK(Json({"queries"})[4]["count"] == 1000);
  CHECK_THAT(Audit({"queries"}).out, Catch::Contains(" 1000\n"));
}

TEST_CASE_METHOD(AuditTest, "A session is chosen by id or by label") {
  CHECK(Json({"summary", "--session", "2"})["queries_denied"] == 1);
  CHECK(Json({"summary", "--session", "other"})["queries_denied"] == 1);
  CHECK(Json({"queries", "--session", "build"}).size() == 3);
  CHECK(Json({"connections", "--session", "2"}).empty());
  CHECK_THAT(Mistake({"denied", "--session", "nobody"}), Catch::Contains("'nobody'"));
  CHECK_THAT(Mistake({"denied", "--session", "99"}), Catch::Contains("'99'"));
  CHECK_THAT(Mistake({"denied", "--session", "'; DROP TABLE query; --"}),
             Catch::Contains("no session"));
}

TEST_CASE_METHOD(AuditTest, "Queries and connections are listed oldest first, the latest of them") {
  const json queries = Json({"queries"});
  REQUIRE(queries.size() == 4);
  CHECK(queries[0]["qname"] == "pypi.org");
  CHECK(queries[0]["answer_age"] == 10);
  CHECK(queries[0]["ede"].is_null());
  CHECK(queries[3]["qname"] == "elsewhere.example");
  const json latest = Json({"queries", "--limit", "2"});
  REQUIRE(latest.size() == 2);
  CHECK(latest[0]["qname"] == "evil.example");
  CHECK(latest[1]["qname"] == "elsewhere.example");
  CHECK_THAT(Audit({"queries", "--limit", "2"}).err, Catch::Contains("--limit 0"));
  CHECK(Json({"connections"})[0]["query_id"] == 1);
}

TEST_CASE_METHOD(AuditTest, "A table has a header, and columns that line up") {
  const std::string out = Audit({"denied", "--session", "build"}).out;
  CHECK(out.starts_with("time "));
  const size_t column = out.find("to allow it");
  REQUIRE(column != std::string::npos);
  size_t lines = 0;
  for (size_t at = out.find('\n') + 1; at < out.size(); at = out.find('\n', at) + 1) {
    CHECK(out.substr(at + column, 8) == "--allow ");
    ++lines;
  }
  CHECK(lines == 3);
}

TEST_CASE_METHOD(AuditTest, "Since takes durations and times in UTC, and nothing else") {
  CHECK(Json({"queries", "--since", "2027-01-15"}).size() == 4);
  CHECK(Json({"queries", "--since", "2027-01-15T08:30"}).size() == 1);
  CHECK(Json({"queries", "--since", "2027-01-15T08:00:00.000003Z"}).size() == 3);
  CHECK(Json({"denied", "--since", "2027-01-15 09:00:01"}).empty());
  CHECK(Audit({"queries", "--since", "3d"}).status == 0);
  for (const char* since :
       {"", "3", "x", "-3d", "3y", "2027-1-15", "2027-02-30", "2027-01-15T25:00",
        "99999999999999999999d", "9999999999999d", "2027-01-15T08:00:00."}) {
    CHECK_THAT(Mistake({"queries", "--since", since}, 2), Catch::Contains("2027-01-15T08:00:00"));
  }
}

TEST_CASE_METHOD(AuditTest, "SQL is run, and its rows are shown as a table or as JSON") {
  const std::string sql =
      "SELECT what, count(*) AS times, 1.5, NULL, x'00ff' FROM denials GROUP BY what ORDER BY what";
  CHECK_THAT(Audit({"sql", sql}).out,
             Catch::Contains("evil.example       2      1.5  -     X'00ff'"));
  const json rows = Json({"sql", sql});
  REQUIRE(rows.size() == 3);
  CHECK(rows[2]["what"] == "evil.example");
  CHECK(rows[2]["times"] == 2);
  CHECK(rows[2]["NULL"].is_null());
  CHECK(Json({"sql", "SELECT 1 WHERE 0"}).empty());
  CHECK(Audit({"sql", "-"}, "-- a comment\nSELECT 7 AS seven; -- and one more\n").out ==
        "seven\n7\n");
}

TEST_CASE_METHOD(AuditTest, "SQL that would change anything is refused, and nothing is changed") {
  const std::string before = ReadFile(ledger.path());
  for (const char* sql :
       {"DELETE FROM query", "UPDATE session SET label = 'x'", "DROP VIEW queries",
        "INSERT INTO name (text) VALUES ('x')", "CREATE TABLE t (x)", "CREATE TEMP TABLE t (x)",
        "PRAGMA user_version = 9", "PRAGMA journal_mode = DELETE", "PRAGMA query_only = 0",
        "BEGIN IMMEDIATE", "VACUUM", "REINDEX", "ANALYZE", "SELECT load_extension('/tmp/x.so')",
        "DETACH main"}) {
    INFO(sql);
    CHECK_FALSE(Mistake({"sql", sql}).empty());
  }
  const std::string attached = ledger.directory() + "/attached.db";
  Mistake({"sql", "ATTACH '" + attached + "' AS a"});
  Mistake({"sql", "VACUUM INTO '" + attached + "'"});
  CHECK_FALSE(std::filesystem::exists(attached));
  CHECK(ReadFile(ledger.path()) == before);
}

TEST_CASE_METHOD(AuditTest, "SQL does not show the tokens of gates") {
  CHECK(Json({"sql", "SELECT token FROM session"})[0]["token"].is_null());
  CHECK(Audit({"sql", "SELECT * FROM session"}).out.find("5ec2e7") == std::string::npos);
}

TEST_CASE_METHOD(AuditTest, "A mistake in SQL is told in one line that says what to do") {
  CHECK_THAT(Mistake({"sql", "SELECT absent FROM queries"}),
             Catch::Contains("no such column: absent") && Catch::Contains("--help"));
  CHECK_THAT(Mistake({"sql", "SELECT 1; SELECT 2"}), Catch::Contains("one statement"));
  CHECK_THAT(Mistake({"sql", "SELECT 1; DROP TABLE query"}), Catch::Contains("one statement"));
  CHECK_THAT(Mistake({"sql", " -- nothing"}), Catch::Contains("no SQL"));
  CHECK_THAT(Mistake({"sql", ""}), Catch::Contains("no SQL"));
  CHECK_THAT(Mistake({"sql", "SELEC \x1b[2J"}), !Catch::Contains("\x1b"));
  CHECK_THAT(Mistake({"sql"}, 2), Catch::Contains("--help"));
}

TEST_CASE_METHOD(AuditTest, "SQL that takes too long is stopped, within a function too") {
  const auto sql = GENERATE(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
      "SELECT instr(hex(zeroblob(15000000)), hex(zeroblob(7000000)) || '1')");
  CHECK_THAT(Mistake({"sql", sql, "--time-limit", "1"}), Catch::Contains("stopped after 1 s"));
}

TEST_CASE_METHOD(AuditTest, "SQL that makes too large values is refused") {
  CHECK_THAT(Mistake({"sql", "SELECT length(zeroblob(1000000000))"}), Catch::Contains("too big"));
}

TEST_CASE_METHOD(AuditTest, "Control characters never reach the terminal") {
  const Outcome table = Audit({"sql", "SELECT char(27) || '[2J' || char(10) AS x, char(233)"});
  CHECK(table.out.find('\x1b') == std::string::npos);
  CHECK_THAT(table.out, Catch::Contains("\\x1b[2J\\x0a"));
  const json rows = Json({"sql", "SELECT char(27) AS x, CAST(x'ff' AS TEXT) AS invalid"});
  CHECK(rows[0]["x"] == "\x1b");
}

TEST_CASE("Without a ledger the error says where it was looked for and what to do") {
  TempDir directory;
  for (const char* report : {"summary", "queries", "connections", "denied"}) {
    const Outcome outcome =
        Run({BuildPath("bin/namegate"), "audit", report, "--state-dir", directory.path()});
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.err,
               Catch::Contains(directory.File("ledger.db")) && Catch::Contains("--state-dir"));
  }
}

TEST_CASE_METHOD(AuditTest, "Wrong usage exits with 2, help with 0") {
  CHECK(Audit({}).status == 2);
  CHECK(Audit({"nonsense"}).status == 2);
  CHECK(Audit({"queries", "--limit", "-1"}).status == 2);
  CHECK(Audit({"queries", "--limit", "x"}).status == 2);
  CHECK(Audit({"sql", "SELECT 1", "--time-limit", "0"}).status == 2);
  for (const char* report :
       {"summary", "queries", "connections", "denied", "tail", "export", "sql", "verify"}) {
    const Outcome help = Audit({report, "--help"});
    CHECK(help.status == 0);
    CHECK_THAT(help.out, Catch::Contains("Examples:"));
  }
}

TEST_CASE_METHOD(AuditTest, "The latest rows are found by id, without sorting or scanning all") {
  for (const char* view : {"queries", "connections"}) {
    const std::string plan = Audit({"sql", "EXPLAIN QUERY PLAN SELECT * FROM " + std::string(view) +
                                               " ORDER BY id DESC LIMIT 100"})
                                 .out;
    INFO(plan);
    CHECK(plan.find("TEMP B-TREE") == std::string::npos);
  }
  const std::string plan =
      Audit({"sql", "EXPLAIN QUERY PLAN SELECT * FROM denials WHERE session = 1"}).out;
  INFO(plan);
  CHECK_THAT(plan, Catch::Contains("query_denied (session_id=?)") &&
                       Catch::Contains("connection_denied (session_id=?)"));
}

}  // namespace
}  // namespace namegate::testing
