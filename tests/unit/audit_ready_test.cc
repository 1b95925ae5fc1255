// The questions of schema/queries/, as the command asks them.

#include <filesystem>
#include <regex>

#include "schema/schema.h"
#include "tests/unit/audit_fixture.h"

namespace namegate::testing {
namespace {

class ReadyTest : public AuditTest {
 public:
  json Ask(const std::string& name, std::vector<std::string> further = {}) const {
    further.insert(further.begin(), {"sql", "--ready", name});
    return Json(further);
  }
};

TEST_CASE_METHOD(ReadyTest, "What did each session reach?") {
  const json reached = Ask("reached");
  REQUIRE(reached.size() == 1);
  CHECK(reached[0]["label"] == "build");
  CHECK(reached[0]["name"] == "pypi.org");
  CHECK(reached[0]["port"] == 443);
  CHECK(reached[0]["first"] == "2027-01-15T08:00:00.001002Z");
  CHECK(Ask("reached", {"--session", "build"}) == reached);
  CHECK(Ask("reached", {"--session", "other"}).empty());
  CHECK(Ask("reached", {"--since", "2099-01-01"}).empty());
}

TEST_CASE_METHOD(ReadyTest, "What was denied most?") {
  const json denied = Ask("denied_most");
  REQUIRE(denied.size() == 3);
  CHECK(denied[0]["what"] == "evil.example");
  CHECK(denied[0]["times"] == 2);
  CHECK(denied[0]["remedy"] == "evil.example:443");
  CHECK(denied[1]["kind"] == "connection");
  CHECK(Ask("denied_most", {"--session", "2"}).size() == 1);
}

TEST_CASE_METHOD(ReadyTest, "Which names were reached for the first time?") {
  const json first = Ask("first_seen");
  REQUIRE(first.size() == 1);
  CHECK(first[0]["name"] == "pypi.org");
  CHECK(first[0]["attempts"] == 1);
  CHECK(Ask("first_seen", {"--since", "2099-01-01"}).empty());
}

TEST_CASE_METHOD(ReadyTest, "Which addresses were answered for several names?") {
  CHECK(Ask("shared_addresses").empty());
  auto second = AllowedRow(ledger, "files.example");
  second.answer = Answer({ARecord("files.example", "192.0.2.7", 60)});
  ledger.Add(second);
  const json shared = Ask("shared_addresses");
  REQUIRE(shared.size() == 1);
  CHECK(shared[0]["address"] == "192.0.2.7");
  CHECK(shared[0]["names"] == 2);
}

TEST_CASE_METHOD(ReadyTest, "Which connections came without a query?") {
  const json without = Ask("without_query");
  REQUIRE(without.size() == 1);
  CHECK(without[0]["address"] == "192.0.2.9");
  CHECK(without[0]["verdict"] == "deny");
  CHECK(without[0]["process"] == "curl");
}

TEST_CASE_METHOD(ReadyTest, "Which answer admitted each connection?") {
  const json admitted = Ask("admitted_by");
  REQUIRE(admitted.size() == 1);
  CHECK(admitted[0]["qname"] == "pypi.org");
  CHECK(admitted[0]["ttl_given"] == 290);
}

TEST_CASE_METHOD(ReadyTest, "How much went to each destination, and came from there?") {
  CHECK(Ask("bytes").empty());  // nothing has ended yet
  auto second = ConnectedRow(ledger, "192.0.2.7:443");
  second.session = 2;
  second.name = Name("pypi.org");
  ledger.Add(second);
  auto elsewhere = ConnectedRow(ledger, "192.0.2.8:22");
  ledger.Add(elsewhere);
  auto refused = ConnectedRow(ledger, "192.0.2.8:23");
  ledger.Add(refused);
  using resolver::ConnectionEndedRow;
  ledger.Add(ConnectionEndedRow{1, kNoonUs, {{10, 1000}}, Ending::kClosed});
  ledger.Add(ConnectionEndedRow{second.id, kNoonUs, {{5, 500}}, Ending::kReset});
  ledger.Add(ConnectionEndedRow{elsewhere.id, kNoonUs, {{7, 0}}, Ending::kClosed});
  ledger.Add(ConnectionEndedRow{refused.id, kNoonUs, {}, Ending::kRefused});
  const json connection = Json({"connections"})[0];
  CHECK(connection["bytes_in"] == 1000);
  CHECK(connection["ended"] == "closed");
  const json bytes = Ask("bytes");
  REQUIRE(bytes.size() == 3);
  CHECK(bytes[0] == json({{"destination", "pypi.org"},
                          {"port", 443},
                          {"protocol", "tcp"},
                          {"connections", 2},
                          {"sessions", 2},
                          {"bytes_out", 15},
                          {"bytes_in", 1500}}));
  CHECK(bytes[1]["destination"] == "192.0.2.8");
  CHECK(bytes[1]["bytes_out"] == 7);
  CHECK(bytes[2]["port"] == 23);
  CHECK(bytes[2]["bytes_out"].is_null());  // not known is not none
  REQUIRE(Ask("bytes", {"--session", "2"}).size() == 1);
  CHECK(Ask("bytes", {"--session", "2"})[0]["bytes_in"] == 500);
}

TEST_CASE_METHOD(ReadyTest, "Which rules never decided anything?") {
  CHECK(Ask("unused_rules").empty());  // pypi.org:443 decided
  auto opened = OpenedRow(ledger, "wide");
  opened.policy = "pypi.org:443\nunused.example:443\ndb.example:5432 private\nasked.example:443\n";
  ledger.Add(opened);
  auto asked = AllowedRow(ledger, "asked.example");
  asked.session = opened.session;
  ledger.Add(asked);
  json unused = Ask("unused_rules");
  REQUIRE(unused.size() == 3);
  CHECK(unused[0]["session"] == opened.session);
  CHECK(unused[0]["rule"] == "db.example:5432 private");
  CHECK(unused[1]["rule"] == "pypi.org:443");
  CHECK(unused[2]["rule"] == "unused.example:443");
  CHECK(Ask("unused_rules", {"--session", "wide"}) == unused);
  // A connection alone decides, too.
  auto connected = ConnectedRow(ledger, "192.0.2.7:443");
  connected.session = opened.session;
  ledger.Add(connected);
  CHECK(Ask("unused_rules").size() == 2);
  unused = Ask("unused_rules", {"--session", "wide"});
  REQUIRE(unused.size() == 2);
  CHECK(unused[0]["rule"] == "db.example:5432 private");
  CHECK(unused[1]["rule"] == "unused.example:443");
  // What decides for another session decides nothing here.
  auto other = AllowedRow(ledger, "unused.example");
  other.rule = "unused.example:443";
  ledger.Add(other);
  CHECK(Ask("unused_rules", {"--session", "wide"}) == unused);
  // Of a policy that was changed, those that it has now.
  ledger.Add(resolver::PolicyChangedRow{opened.session, kNoonUs, "other.example:443\n"});
  unused = Ask("unused_rules");
  REQUIRE(unused.size() == 1);
  CHECK(unused[0]["rule"] == "other.example:443");
  // Closed sessions are looked at if they are asked for.
  CHECK(Ask("unused_rules", {"--session", "2"}).size() == 1);
}

TEST_CASE_METHOD(ReadyTest,
                 "A ready question that is not there, two at once, and none are wrong usage") {
  const Outcome nonsense = Audit({"sql", "--ready", "nonsense"});
  CHECK(nonsense.status == 2);
  CHECK_THAT(nonsense.err, Catch::Contains("choose one of reached, first_seen,"));
  CHECK(Audit({"sql", "--ready", "reached", "SELECT 1"}).status == 2);
  CHECK(Audit({"sql"}).status == 2);
}

TEST_CASE_METHOD(ReadyTest, "Sessions that share a label are asked about together") {
  auto again = OpenedRow(ledger, "build");
  ledger.Add(again);
  auto connection = ConnectedRow(ledger, "192.0.2.7:443");
  connection.session = again.session;
  ledger.Add(connection);
  CHECK(Ask("reached", {"--session", "build"}).size() == 2);
  CHECK(Ask("reached", {"--session", std::to_string(again.session)}).size() == 1);
  CHECK(Ask("denied_most", {"--session", "build"}).size() == 2);
}

TEST_CASE_METHOD(ReadyTest, "What looks at rows one by one looks at the latest, and says so") {
  for (int i = 0; i < 20; ++i) ledger.Add(DeniedRow(ledger, "many.example"));
  auto late = ConnectedRow(ledger, "192.0.2.7:444");
  ledger.Add(late);
  const auto ask = [this](const std::string& name, const std::string& latest) {
    return Audit({"sql", "--json", "--ready", name, "--latest", latest});
  };
  const Outcome latest = ask("reached", "10");
  CHECK_THAT(latest.err, Catch::StartsWith("namegate: this is about what was recorded since 20") &&
                             Catch::Contains("--latest 0"));
  REQUIRE(json::parse(latest.out).size() == 1);
  CHECK(json::parse(latest.out)[0]["port"] == 444);
  // Where something else narrows it, where it is all, and where it does not matter.
  CHECK(Ask("reached", {"--session", "build", "--latest", "10"}).size() == 2);
  CHECK(Ask("reached", {"--since", "2027-01-15", "--latest", "10"}).size() == 2);
  for (const auto& [name, rows] : {std::pair{"reached", "0"},
                                   {"reached", "1000"},
                                   {"denied_most", "0"},
                                   {"shared_addresses", "10"}}) {
    CHECK(ask(name, rows).err.empty());
  }
  const Outcome denied = ask("denied_most", "10");
  CHECK_THAT(denied.err, Catch::Contains("--latest 0"));
  const json most = json::parse(denied.out);
  REQUIRE(most.size() == 1);
  CHECK(most[0]["what"] == "many.example");
  CHECK(most[0]["times"] == 10);
  CHECK(most[0]["sessions"] == 1);
  CHECK(most[0]["first"] <= most[0]["last"]);
  CHECK(json::parse(ask("denied_most", "0").out)[0]["times"] == 20);
  CHECK(Ask("denied_most", {"--session", "build", "--latest", "10"})[0]["times"] == 20);
  CHECK(Audit({"sql", "SELECT 1", "--latest", "10"}).status == 2);
}

TEST_CASE_METHOD(ReadyTest, "What was denied past a limit counts as often as it was tried") {
  auto many = DeniedRow(ledger, "evil.example");
  many.count = 10;
  ledger.Add(many);
  auto tries = RefusedRow(ledger, "192.0.2.9:22");
  tries.count = 30;
  ledger.Add(tries);
  const json denied = Ask("denied_most");
  REQUIRE(denied.size() == 3);
  CHECK(denied[0]["what"] == "192.0.2.9:22");
  CHECK(denied[0]["times"] == 31);
  CHECK(denied[0]["last"] > denied[0]["first"]);
  CHECK(denied[1]["times"] == 12);
  CHECK(denied[1]["sessions"] == 1);
}

TEST_CASE_METHOD(ReadyTest, "Each ready question is in the help, with what it asks") {
  const std::string help = Audit({"sql", "--help"}).out;
  for (const schema::ReadyQuery& query : schema::ReadyQueries()) {
    INFO(query.name);
    CHECK(
        std::regex_search(help, std::regex("\n  " + std::string(query.name) + " [* ] *[^\n]*[?]")));
  }
}

TEST_CASE_METHOD(
    ReadyTest,
    "No ready question scans queries, connections or records, but one, and each has a test") {
  const std::string source =
      ReadFile(std::string(NAMEGATE_SOURCE_DIR) + "/tests/unit/audit_ready_test.cc");
  size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(NAMEGATE_SOURCE_DIR) + "/schema/queries")) {
    const std::string name = entry.path().stem().string();
    INFO(name);
    CHECK(source.find("Ask(\"" + name + "\"") != std::string::npos);
    const Outcome plan = Audit({"sql", "EXPLAIN QUERY PLAN " + ReadFile(entry.path().string())});
    INFO(plan.out << plan.err);
    CHECK(plan.status == 0);
    // By whichever name the questions call the tables. What was denied has indexes of its own, and
    // records are kept once each: which share an address takes a look at all of them.
    const std::string records = name == "shared_addresses" ? "" : "|record|r";
    const std::regex scan("SCAN (query|connection|connection_ending|q|c|e" + records +
                          ")\\b(?! USING (COVERING )?INDEX (query|connection)_denied)");
    CHECK_FALSE(std::regex_search(plan.out, scan));
    ++files;
  }
  CHECK(files == schema::ReadyQueries().size());
}

}  // namespace
}  // namespace namegate::testing
