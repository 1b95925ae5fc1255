// What the command prints for other programs, row by row: tail and export.

#include <csignal>
#include <map>
#include <regex>
#include <sstream>

#include "resolver/ledger_damage.h"
#include "tests/unit/audit_fixture.h"
#include "tests/unit/removal_fixture.h"

namespace namegate::testing {
namespace {

std::vector<json> Lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST_CASE_METHOD(AuditTest, "tail shows the latest of both kinds, oldest first") {
  const auto rows = Lines(Audit({"tail", "--limit", "3", "--json"}).out);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["kind"] == "connection");
  CHECK(rows[0]["what"] == "pypi.org 192.0.2.7:443/tcp");
  CHECK(rows[1]["verdict"] == "deny");
  CHECK(rows[2]["what"] == "elsewhere.example A");
  CHECK(rows[2]["session"] == 2);
  const std::string text = Audit({"tail", "--session", "other"}).out;
  CHECK(text == "2027-01-15T09:00:00.000001Z  2  deny  not-allowed  query elsewhere.example A\n");
  CHECK(Audit({"tail", "--limit", "0", "--json"}).out.size() > 0);
}

TEST_CASE_METHOD(AuditTest, "tail -f goes on with each new row once, and ends on a signal") {
  Process tail({BuildPath("bin/namegate"), "audit", "tail", "-f", "--json", "--limit", "1",
                "--state-dir", ledger.directory()});
  REQUIRE(tail.WaitForOutput("elsewhere.example"));
  ledger.Add(DeniedRow(ledger, "later.example"));
  REQUIRE(tail.WaitForOutput("later.example"));
  ledger.Add(ConnectedRow(ledger, "192.0.2.77:443"));
  REQUIRE(tail.WaitForOutput("192.0.2.77"));
  tail.Signal(SIGINT);
  const Outcome outcome = tail.Wait();
  CHECK(outcome.status == 128 + SIGINT);
  const auto rows = Lines(outcome.out);
  REQUIRE(rows.size() == 3);
  CHECK(rows[1]["what"] == "later.example A");
  CHECK(rows[2]["kind"] == "connection");
}

TEST_CASE_METHOD(AuditTest,
                 "tail -f goes over to the ledger that is begun in place of a damaged one") {
  Process tail({BuildPath("bin/namegate"), "audit", "tail", "-f", "--limit", "1", "--state-dir",
                ledger.directory()});
  REQUIRE(tail.WaitForOutput("elsewhere.example"));
  ledger.Close();
  REQUIRE(resolver::SetLedgerAside(ledger.path(), "in a test", kNoonUs));
  ledger.Reopen();
  ledger.Add(DeniedRow(ledger, "anew.example"));  // with an id that the other had, too
  CHECK(tail.WaitForOutput("anew.example"));
  CHECK(tail.WaitForError("moved away"));
  ledger.Add(DeniedRow(ledger, "later.example"));
  CHECK(tail.WaitForOutput("later.example"));
}

TEST_CASE_METHOD(AuditTest, "tail -f ends when nobody reads its output") {
  const Outcome outcome = Run({"sh", "-c", "\"$0\" audit tail -f --state-dir \"$1\" | head -n 1",
                               BuildPath("bin/namegate"), ledger.directory()});
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.out, Catch::Contains("pypi.org"));
}

TEST_CASE_METHOD(AuditTest, "export prints every row of every view, an object a line") {
  const Outcome outcome = Audit({"export"});
  CHECK(outcome.status == 0);
  std::map<std::string, int> views;
  for (const json& row : Lines(outcome.out)) ++views[row["view"].get<std::string>()];
  CHECK(views == std::map<std::string, int>{{"sessions", 2},
                                            {"queries", 4},
                                            {"answers", 1},
                                            {"connections", 2},
                                            {"denials", 4},
                                            {"destinations", 1}});
  const auto rows = Lines(Audit({"export", "--view", "queries", "--session", "2"}).out);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["qname"] == "elsewhere.example");
  CHECK_FALSE(rows[0].contains("view"));
}

TEST_CASE_METHOD(AuditTest, "Changes of a policy are exported, with the session's own rows") {
  ledger.Add(resolver::PolicyChangedRow{1, kNoonUs, "pypi.org:443\nmore.example:443\n"});
  const auto rows = Lines(Audit({"export", "--session", "build", "--since", "2027-01-15"}).out);
  REQUIRE(rows.size() > 2);
  CHECK(rows[0]["view"] == "sessions");
  CHECK(rows[1]["view"] == "policy_changes");
  CHECK(rows[1]["time"] == "2027-01-15T08:00:00.000001Z");
  CHECK(rows[1]["policy"] == "pypi.org:443\nmore.example:443\n");
  CHECK(Lines(Audit({"export", "--view", "policy_changes", "--session", "other"}).out).empty());
}

TEST_CASE_METHOD(AuditTest,
                 "Every view is in the help of export, and with its columns in that of sql") {
  const std::string sql = Audit({"sql", "--help"}).out;
  const std::string exported = Audit({"export", "--help"}).out;
  for (const json& view : Json({"sql", "SELECT name FROM sqlite_schema WHERE type = 'view'"})) {
    const std::string name = view["name"];
    INFO(name);
    if (name.starts_with("denied_")) continue;  // the two halves of denials
    CHECK(std::regex_search(exported, std::regex("\\b" + name + "\\b")));
    std::smatch listed;  // up to the next view, or the end of the list
    REQUIRE(std::regex_search(sql, listed, std::regex("\n  " + name + " +(([^\n]|\n   )*)")));
    const std::string columns = listed[1];
    for (const json& column : Json({"sql", "PRAGMA table_info(" + name + ")"})) {
      const std::string text = column["name"];
      INFO(text);
      if (text.ends_with("_us") && text != "duration_us") continue;  // times, as numbers
      CHECK(std::regex_search(columns, std::regex("\\b" + text + "\\b")));
    }
  }
}

TEST_CASE_METHOD(AuditTest, "export by time leaves out what has no time") {
  const auto rows = Lines(Audit({"export", "--since", "2027-01-15T08:30:00"}).out);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["view"] == "queries");
  CHECK(rows[1]["view"] == "denials");
  CHECK_THAT(Mistake({"export", "--view", "answers", "--since", "1h"}), Catch::Contains("answers"));
}

TEST_CASE_METHOD(AuditTest, "CSV is as RFC 4180 has it") {
  auto opened = OpenedRow(ledger, "a \"quoted\", label");
  opened.policy = "a.example:443\nb.example:443\n";
  ledger.Add(opened);
  const Outcome outcome =
      Audit({"export", "--view", "sessions", "--format", "csv", "--session", "3"});
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.out, Catch::StartsWith("session,label,gate,opened,closed,policy,"));
  CHECK_THAT(outcome.out,
             Catch::Contains("\r\n3,\"a \"\"quoted\"\", label\",preload,"
                             "2027-01-15T08:00:00.000001Z,,\"a.example:443\nb.example:443\n\","));
  CHECK(outcome.out.ends_with("\r\n"));
  CHECK_THAT(Mistake({"export", "--format", "csv"}), Catch::Contains("--view"));
  CHECK(Audit({"export", "--format", "xml"}).status == 2);
  CHECK(Audit({"export", "--view", "nonsense"}).status == 2);
}

TEST_CASE_METHOD(AuditTest, "A session's rows and those since a time are found among all others") {
  // Each row in a group of its own, so that the seals tell them apart.
  for (int i = 0; i < 50; ++i) ledger.Add(DeniedRow(ledger, "many.example"));
  auto opened = OpenedRow(ledger, "late");
  ledger.Add(opened);
  for (int i = 0; i < 3; ++i) {
    auto row = DeniedRow(ledger, "late.example");
    row.session = opened.session;
    ledger.Add(row);
  }
  ledger.Add(resolver::SessionClosedRow{opened.session, kNoonUs, "closed"});
  for (int i = 0; i < 50; ++i) ledger.Add(DeniedRow(ledger, "many.example"));
  CHECK(Json({"queries", "--session", "late", "--limit", "0"}).size() == 3);
  CHECK(Json({"denied", "--session", "late", "--limit", "0"}).size() == 3);
  CHECK(Json({"summary", "--session", "late"})["queries_denied"] == 3);
  CHECK(Json({"queries", "--since", "2027-01-15T08:30:00", "--limit", "0"}).size() == 1);
  CHECK(Json({"summary", "--since", "2027-01-15T08:30:00"})["queries_denied"] == 1);
}

TEST_CASE_METHOD(RemovalLedger,
                 "A session whose beginning was removed is exported with all that is left of it") {
  ledger.Add(OpenedRow(ledger, "long"));
  for (int i = 0; i < 3; ++i) ledger.Add(DeniedRow(ledger, "early.example"));
  EndOldPart();
  for (int i = 0; i < 3; ++i) ledger.Add(DeniedRow(ledger, "late.example"));
  ledger.Add(OpenedRow(ledger, "next"));
  ledger.Close();
  Open();
  Begin();
  Finish();
  REQUIRE(ledger.Value("SELECT count(*) FROM queries WHERE session = 1") == "3");
  const Outcome exported = Run({BuildPath("bin/namegate"), "audit", "export", "--view", "queries",
                                "--session", "1", "--state-dir", ledger.directory()});
  CHECK(Lines(exported.out).size() == 3);
}

}  // namespace
}  // namespace namegate::testing
