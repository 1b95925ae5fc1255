// What `namegate audit verify` says.

#include "tests/unit/audit_fixture.h"
#include "tests/unit/removal_fixture.h"

namespace namegate::testing {
namespace {

TEST_CASE_METHOD(AuditTest, "verify says whether anybody changed the ledger, and what") {
  const std::string head = Audit({"verify", "--head"}).out;
  const Outcome intact = Audit({"verify"});
  CHECK(intact.status == 0);
  CHECK_THAT(intact.out, Catch::StartsWith("Intact: ") && Catch::Contains("Head: " + head));
  ledger.Add(DeniedRow(ledger, "later.example"));
  CHECK(Audit({"verify", "--since", head.substr(0, head.size() - 1)}).status == 0);
  CHECK(Json({"verify"})["intact"] == true);
  ledger.Close();
  auto database = Database::Open(ledger.path(), Database::Mode::kReadWriteCreate);
  REQUIRE(database);
  REQUIRE(database->Execute("UPDATE query SET verdict = 1 WHERE query_id = 2"));
  const Outcome changed = Audit({"verify"});
  CHECK(changed.status == 1);
  CHECK_THAT(changed.out,
             Catch::StartsWith("query 2 was changed") && Catch::Contains("NOT INTACT"));
  CHECK(Audit({"verify", "--since", "nonsense"}).status == 2);
  CHECK_THAT(Mistake({"verify", "--key", ledger.directory() + "/none"}), Catch::Contains("/none"));
}

TEST_CASE("The head of an empty ledger is one that everything is proven since") {
  TestLedger ledger;
  const auto verify = [&](const std::vector<std::string>& words) {
    std::vector<std::string> command = {BuildPath("bin/namegate"), "audit", "verify", "--state-dir",
                                        ledger.directory()};
    command.insert(command.end(), words.begin(), words.end());
    return Run(command);
  };
  std::string head = verify({"--head"}).out;
  head.pop_back();
  CHECK(head == "0:" + std::string(64, '0'));
  CHECK(verify({"--since", head}).status == 0);
  ledger.Add(OpenedRow(ledger, "build"));
  CHECK(verify({"--since", head}).status == 0);
}

// A ledger of which a part has been removed, or is being.
class RemovedTest : public RemovalLedger {
 public:
  RemovedTest() {
    ledger.Add(OpenedRow(ledger, "build"));
    for (int i = 0; i < 3; ++i) ledger.Add(DeniedRow(ledger, "evil.example"));
    head_ = Line(Verify({"--head"}));
    for (int i = 0; i < 3; ++i) ledger.Add(DeniedRow(ledger, "evil.example"));
    EndOldPart();
    ledger.Add(DeniedRow(ledger, "late.example"));
    ledger.Close();
    Open();
    Begin();
  }

  Outcome Verify(std::vector<std::string> words) const {
    std::vector<std::string> command = {BuildPath("bin/namegate"), "audit", "verify"};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"--state-dir", ledger.directory()});
    return Run(command);
  }
  static std::string Line(const Outcome& outcome) {
    return outcome.out.substr(0, outcome.out.find('\n'));
  }

  std::string head_;
};

TEST_CASE_METHOD(RemovedTest,
                 "verify says up to when rows were removed, and that it is under way") {
  Step();
  const std::string through = ledger.Value("SELECT through FROM removals");
  const std::string removed = "\nRemoved: what was recorded up to " + through + ", but";
  const Outcome under_way = Verify({});
  CHECK(under_way.status == 0);
  CHECK_THAT(under_way.out, Catch::StartsWith("Intact: ") && Catch::Contains(removed) &&
                                Catch::Contains("\nThis removal is under way: "));
  CHECK(json::parse(Verify({"--json"}).out)["removal_under_way"] == true);
  Finish();
  const Outcome done = Verify({});
  CHECK(done.status == 0);
  CHECK_THAT(done.out, Catch::Contains(removed) && !Catch::Contains("under way"));
  const json report = json::parse(Verify({"--json"}).out);
  CHECK(report["intact"] == true);
  CHECK(report["removed_through"] == through);
  CHECK(report["removal_under_way"] == false);
}

TEST_CASE_METHOD(RemovedTest, "verify says when and why the head that it was given was removed") {
  Finish();
  const Outcome gone = Verify({"--since", head_});
  CHECK(gone.status == 1);
  CHECK_THAT(gone.out, Catch::StartsWith("seal 4, after which was asked, was removed on "
                                         "2027-01-15T08:00:00.000001Z with what it sealed, because"
                                         " of its age (removal 1)"));
  CHECK(Verify({"--since", Line(Verify({"--head"}))}).status == 0);
}

}  // namespace
}  // namespace namegate::testing
