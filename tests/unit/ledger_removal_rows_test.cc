// What became of sessions and connections, when those are removed: endings, counts, changed
// policies, exposed sockets.

#include "tests/unit/removal_fixture.h"

namespace namegate::testing {
namespace {

using resolver::ConnectionEndedRow;
using resolver::ConnectionRow;
using resolver::PolicyChangedRow;
using resolver::SessionClosedRow;

constexpr int64_t kClosed = 1;
constexpr int64_t kOpen = 2;
constexpr int64_t kIdle = 3;

// A session that had ended and one that is open, each with all that a session can have; and one
// that is open and has done nothing.
class LaterRowsTest : public RemovalLedger {
 public:
  LaterRowsTest() {
    for (const int64_t session : {kClosed, kOpen}) {
      auto opened = OpenedRow(ledger, session == kClosed ? "closed" : "open");
      opened.gate = "enclave";
      opened.exposed = {"/run/a", "/run/b"};
      ledger.Add(opened);
      ledger.Add(PolicyChangedRow{session, kNoonUs, "changed" + opened.label + ".example:443\n"});
      ledger.Add(Connection(session));  // 1, 4: ends now
      ledger.Add(Connection(session));  // 2, 5: not yet
      ledger.Add(Many(session));        // 3, 6
      ledger.Add(ConnectionEndedRow{connections_ - 2, kNoonUs, {{1, 2}}, Ending::kClosed});
    }
    ledger.Add(SessionClosedRow{kClosed, kNoonUs, "closed", {{2, kNoonUs, {}, Ending::kReset}}});
    ledger.Add(OpenedRow(ledger, "idle"));
    EndOldPart();
    opened_ = OpenedRow(ledger, "new");
    ledger.Close();
    Open();
    AddNewest(4);  // connection 7
  }

  // A session with all that a session can have: the newest row of each table stays in any case.
  void AddNewest(int64_t session) {
    opened_.session = session;
    opened_.gate = "enclave";
    opened_.exposed = {"/run/c"};
    Add(opened_);
    Add(PolicyChangedRow{session, kNoonUs, "new.example:443\n"});
    Add(Connection(session));
    Add(ConnectionEndedRow{connections_, kNoonUs, {}, Ending::kRefused});
    Add(SessionClosedRow{session, kNoonUs, "closed"});
  }

  ConnectionRow Connection(int64_t session) {
    ConnectionRow row = connection_;
    row.id = ++connections_;
    row.session = session;
    row.gate = "enclave";
    return row;
  }
  ConnectionRow Many(int64_t session) {
    ConnectionRow row = Connection(session);
    row.verdict = Verdict::kDeny;
    row.reason = Reason::kOverloaded;
    row.count = 9;
    return row;
  }

  std::string All(const std::string& column, const std::string& table) const {
    return ledger.Value("SELECT group_concat(" + column + ") FROM (SELECT " + column + " FROM " +
                        table + " ORDER BY 1)");
  }

 private:
  int64_t connections_ = 0;
  resolver::SessionOpenedRow opened_;
  const ConnectionRow connection_ = ConnectedRow(ledger, "192.0.2.7:443");
};

TEST_CASE_METHOD(LaterRowsTest, "What a session and its connections had goes with them") {
  Begin();
  Finish();
  CheckSound();
  CHECK(All("session", "sessions") == "2,3,4");
  // 5 is carried yet; 7 is new.
  CHECK(All("id", "connections") == "5,7");
  CHECK(All("connection_id", "connection_ending") == "7");
  CHECK(All("connection_id", "connection_count") == "NULL");
  CHECK(All("session", "policy_changes") == "2,4");
  CHECK(ledger.Value("SELECT exposed FROM sessions WHERE session = 2") == "/run/a\n/run/b");
  CHECK(ledger.Value("SELECT policy_now FROM sessions WHERE session = 2") ==
        "changedopen.example:443\n");
  CHECK(ledger.Value("SELECT count(*) FROM exposure WHERE session_id = 1") == "0");
  CHECK(ledger.Value("SELECT count(*) FROM policy WHERE text LIKE 'changedclosed%'") == "0");
}

TEST_CASE_METHOD(LaterRowsTest, "What stayed of them is still proven") {
  Begin();
  Finish();
  const auto [sql, finding] = GENERATE(table<std::string, std::string>({
      {"UPDATE exposure SET path = '/run/x' WHERE exposure_id = 3", "exposure 3 was changed (lot"},
      {"DELETE FROM exposure WHERE exposure_id = 4", "exposure 4 was removed (lot"},
      {"UPDATE policy_change SET policy_id = 1 WHERE session_id = 2",
       "policy_change 2 was changed (lot"},
      {"UPDATE connection_ending SET bytes_out = 1", "connection_ending 4 was changed (seal"},
  }));
  INFO(sql);
  REQUIRE(database.Execute(sql));
  const auto findings = Verify().findings;
  REQUIRE_FALSE(findings.empty());
  CHECK_THAT(findings[0], Catch::StartsWith(finding));
}

// Whatever comes last, comes in each of the moments that a removal has.
TEST_CASE_METHOD(LaterRowsTest, "What ends, closes or changes while a removal is under way stays") {
  const int slices = GENERATE(range(0, 40, 3));
  Begin();
  for (int i = 0; i < slices && removal; ++i) {
    if (Step()) removal.reset();
  }
  Add(ConnectionEndedRow{5, kNoonUs, {{3, 4}}, Ending::kClosed});
  Add(PolicyChangedRow{kOpen, kNoonUs, "last.example:443\n"});
  Add(SessionClosedRow{kOpen, kNoonUs, "closed"});
  Add(SessionClosedRow{kIdle, kNoonUs, "closed"});
  AddNewest(5);
  if (removal) Finish();
  CheckSound();
  CHECK(ledger.Value("SELECT bytes_in FROM connections WHERE id = 5") == "4");
  CHECK(ledger.Value("SELECT policy_now || close_reason FROM sessions WHERE session = 2") ==
        "last.example:443\nclosed");
  CHECK(ledger.Value("SELECT close_reason FROM sessions WHERE session = 3") == "closed");
}

TEST_CASE_METHOD(LaterRowsTest, "The ending of a connection that was removed is not recorded") {
  Begin();
  Finish();
  Add(ConnectionEndedRow{3, kNoonUs, {}, Ending::kUnknown});
  CheckSound();
  removal.reset();
  Open();  // and the next daemon knows it too
  Add(ConnectionEndedRow{4, kNoonUs, {}, Ending::kUnknown});
  Add(SessionClosedRow{
      kOpen,
      kNoonUs,
      "closed",
      {{5, kNoonUs, {}, Ending::kSessionClosed}, {6, kNoonUs, {}, Ending::kSessionClosed}}});
  CheckSound();
  CHECK(All("connection_id", "connection_ending") == "5,7");
}

}  // namespace
}  // namespace namegate::testing
