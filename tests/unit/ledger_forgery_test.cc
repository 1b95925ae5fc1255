// What somebody does who can write the file and knows how it is sealed, but has no key.

#include "resolver/ledger_retention.h"
#include "tests/unit/removal_fixture.h"

namespace namegate::testing {
namespace {

using Findings = std::vector<std::string>;
using resolver::LedgerRetention;

constexpr char kKey[] = "sixteen octets!!";

// A ledger of some groups, whose seals are made with a key or without.
class ForgeryTest : public RemovalLedger {
 public:
  explicit ForgeryTest(bool keyed = true, int64_t time_us = kNoonUs) {
    if (keyed) ledger.key = Key(kKey);
    ledger.Reopen();
    auto opened = OpenedRow(ledger, "build");
    opened.time_us = time_us;
    ledger.Add(opened);
    for (int i = 1; i <= 5; ++i) {
      auto denied = DeniedRow(ledger, "evil" + std::to_string(i) + ".example");
      denied.time_us = time_us;
      ledger.Add(denied);
    }
    ledger.Close();
  }

  void Tamper(const std::string& sql) const {
    auto writer = Database::Open(ledger.path(), Database::Mode::kReadWriteCreate);
    REQUIRE(writer);
    INFO(sql);
    REQUIRE(writer->Execute(sql));
    REQUIRE(sqlite3_total_changes(writer->handle()) > 0);
  }
};

TEST_CASE_METHOD(ForgeryTest, "A chain that was made anew without the key is found by its holder") {
  Tamper("UPDATE query SET verdict = 1 WHERE query_id = 2; DELETE FROM seal");
  const auto key = std::exchange(ledger.key, std::nullopt);
  ledger.Reopen();
  ledger.Add(DeniedRow(ledger, "last.example"));
  ledger.Close();
  CHECK(Verify().findings.empty());
  ledger.key = key;
  const Findings findings = Verify().findings;
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0], Catch::StartsWith("the last seal, 1, was made without the key"));
}

// A removal that nobody made, up to the seal `back` before the last, whose marks say that it and
// all that is or will be there went too.
void InsertRemoval(const ForgeryTest& test, int back, bool with_own_table) {
  std::string marks;
  for (const SealedTable& table : kSealedTables) {
    const bool own = std::string_view(table.table).starts_with("removal");
    if (own && !with_own_table) continue;
    marks += (marks.empty() ? "{\"" : ",\"") + std::string(table.table) +
             "\":" + std::to_string(int64_t{1} << 62);
  }
  test.Tamper(
      "INSERT INTO removal (begun_us, why, seal_id, seal_digest, seal_time_us, marks)"
      " SELECT 1, 'age', seal_id, digest, time_us, '" +
      marks + "}' FROM seal ORDER BY seal_id DESC LIMIT 1 OFFSET " + std::to_string(back));
  test.Tamper("UPDATE query SET verdict = 1 WHERE query_id = 2");
}

TEST_CASE("A removal that was inserted hides nothing, with a key or without") {
  const ForgeryTest test(GENERATE(true, false));
  const int back = GENERATE(0, 1);
  const bool with_own_table = GENERATE(true, false);
  const SealHead head = test.Verify().head;
  InsertRemoval(test, back, with_own_table);
  for (const auto& since : {std::optional<SealHead>(), std::optional<SealHead>(head)}) {
    const Findings findings = test.Verify(since).findings;
    CHECK(std::any_of(findings.begin(), findings.end(), [](const std::string& finding) {
      return finding.starts_with("removal 1 was inserted");
    }));
  }
}

// Of a daemon that starts and looks for what is old, as long as it has something to do.
void Keep(ForgeryTest& test) {
  test.Open();
  LedgerRetention retention(test.database, *test.groups, {.keep = std::chrono::hours(24)});
  do {
    REQUIRE(retention.Step());
  } while (retention.next() < LedgerRetention::Clock::now() + std::chrono::seconds(30));
}

void CheckRefused(ForgeryTest& test) {
  const std::string rows = test.ledger.Value("SELECT count(*) FROM query");
  Keep(test);
  CHECK(test.ledger.Value("SELECT count(*) FROM query") == rows);
  CHECK(test.ledger.Value("SELECT count(*) FROM removal_done") == "0");
  CHECK(test.ledger.Value("SELECT count(*) FROM notices WHERE kind = 'removal-refused'") == "1");
  CHECK_FALSE(test.Verify().findings.empty());
}

TEST_CASE("The daemon does not go on with a removal that was inserted") {
  ForgeryTest test(GENERATE(true, false));
  InsertRemoval(test, 0, GENERATE(true, false));
  SECTION("as it stands") { CheckRefused(test); }
  SECTION("with a seal that says it covers it") {
    test.Tamper("UPDATE seal SET removal_id = 1 WHERE seal_id = 3");
    CheckRefused(test);
  }
}

TEST_CASE_METHOD(ForgeryTest,
                 "The daemon does not go on with a removal that was changed or ended") {
  EndOldPart();
  Open();
  Begin();
  Step();
  // The last seal of all is looked at in any case.
  const resolver::NoticeRow later{kNoonUs, "begun", "."};
  SECTION("its marks") {
    Add(later);
    Tamper("UPDATE removal SET marks = json_set(marks, '$.query', 99)");
    CheckRefused(*this);
  }
  SECTION("its end was taken away") {
    Finish();
    Add(later);
    Tamper("DELETE FROM removal_done");
    CheckRefused(*this);
  }
  SECTION("and with one that nobody touched it does") {
    Keep(*this);
    CHECK(ledger.Value("SELECT count(*) FROM removal_done") == "1");
    CheckSound();
  }
}

// A ledger of which all but what is still needed is old.
class OldLedgerTest : public ForgeryTest {
 public:
  OldLedgerTest() : ForgeryTest(true, 1) {}

  // Removes what is old, as a daemon that starts does.
  void Remove() {
    Open();
    const std::string before = Removed();
    LedgerRetention retention(database, *groups, {.keep = std::chrono::microseconds(1)});
    while (Removed() == before) REQUIRE(retention.Step());
  }
  std::string Removed() const { return ledger.Value("SELECT count(*) FROM removal_done"); }
};

TEST_CASE_METHOD(OldLedgerTest,
                 "What was changed before a removal sealed it anew is found for ever") {
  const auto [removals, sql, finding] = GENERATE(table<int, std::string, std::string>({
      {0, "UPDATE session SET label = 'x'", "seal 1 did not match"},
      {0, "UPDATE policy SET text = '**.example:443'", "seal 1 did not match"},
      {0, "INSERT INTO name VALUES (0, 'planted.example')", "seal 2 did not match"},
      {1, "UPDATE session SET label = 'x'", "lot "},
      {1, "UPDATE kept SET digest = zeroblob(32) WHERE lot = (SELECT max(lot) FROM kept)", "lot "},
      {1, "DELETE FROM kept WHERE lot = (SELECT max(lot) FROM kept)", "what removal 1 left"},
  }));
  INFO(sql);
  const SealHead head = Verify().head;
  for (int i = 0; i < removals; ++i) Remove();
  Tamper(sql);
  REQUIRE_FALSE(Verify().findings.empty());
  Remove();
  Remove();
  const Findings findings = Verify().findings;
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0], Catch::StartsWith("notice 1: " + finding));
  if (removals == 0) CHECK_FALSE(Verify(head).findings.empty());
}

TEST_CASE_METHOD(OldLedgerTest, "A removal finds nothing in what nobody changed") {
  for (int i = 0; i < 3; ++i) {
    Remove();
    CheckSound();
  }
  CHECK(ledger.Value("SELECT count(*) FROM notices") == "0");
}

TEST_CASE("What was sealed before there was a key is proven beside what was sealed with it") {
  TestLedger ledger;
  ledger.Add(OpenedRow(ledger, "build"));
  ledger.key = Key(kKey);
  ledger.Reopen();
  ledger.Add(DeniedRow(ledger, "evil.example"));
  ledger.Close();
  auto database = Database::Open(ledger.path(), Database::Mode::kReadOnly);
  REQUIRE(database);
  const auto verified = VerifyLedger(*database, ledger.key, std::nullopt);
  REQUIRE(verified);
  CHECK(verified->findings.empty());
  CHECK(verified->unkeyed == 1);
}

}  // namespace
}  // namespace namegate::testing
