// Which rows are too old or too many, and that they go.

#include "resolver/ledger_retention.h"

#include "tests/unit/removal_fixture.h"

namespace namegate::testing {
namespace {

using resolver::LedgerRetention;
using resolver::LedgerRow;

constexpr std::chrono::microseconds kNothingSpared{0};
// Clocks are set back: what was recorded before has seals of then.
constexpr int64_t kFutureUs = 4'102'444'800'000'000;  // 2100-01-01

class RetentionTest : public RemovalLedger {
 public:
  RetentionTest() {
    auto opened = OpenedRow(ledger, "build");
    opened.time_us = 1;
    ledger.Add(opened);
  }

  // Rows with a name each, ten at a time.
  void FillWithQueries(int64_t time_us, int lots = 200) {
    for (int lot = 0; lot < lots; ++lot) {
      std::vector<LedgerRow> rows;
      for (int i = 0; i < 10; ++i) {
        auto row = AllowedRow(ledger, "n" + std::to_string(++names_) + ".example");
        row.time_us = time_us;
        rows.emplace_back(std::move(row));
      }
      REQUIRE(ledger.Write(std::move(rows)) == std::vector<bool>(10, true));
    }
  }
  void FillWithConnections(int64_t time_us) {
    for (int lot = 0; lot < 200; ++lot) {
      std::vector<LedgerRow> rows;
      for (int i = 0; i < 10; ++i) {
        auto row = ConnectedRow(ledger, "192.0.2.7:443");
        row.time_us = time_us;
        row.process = "p" + std::to_string(++names_);
        rows.emplace_back(std::move(row));
      }
      REQUIRE(ledger.Write(std::move(rows)) == std::vector<bool>(10, true));
    }
  }
  void OpenForRetention() {
    ledger.Close();
    Open();
  }

  int64_t Number(const std::string& sql) { return database.QueryInteger(sql).value(); }
  int64_t UsedBytes() {
    return (Number("PRAGMA page_count") - Number("PRAGMA freelist_count")) *
           Number("PRAGMA page_size");
  }

  // Until it has nothing to do for the next minute.
  void Keep(const Retention& wanted) {
    LedgerRetention retention(database, *groups, wanted);
    do {
      REQUIRE(retention.Step());
    } while (retention.next() < LedgerRetention::Clock::now() + std::chrono::seconds(30));
  }

  // What the file takes without rows is not known beforehand: the first look may remove too little.
  void KeepSize(int64_t allowed) {
    for (int look = 0; look < 5 && UsedBytes() > allowed; ++look) {
      Keep({.max_bytes = allowed, .spared = kNothingSpared});
    }
    CHECK(UsedBytes() <= allowed);
    const std::string removals = Removals();
    CHECK_THAT(removals, Catch::EndsWith(" size"));
    Keep({.max_bytes = allowed, .spared = kNothingSpared});
    CHECK(Removals() == removals);
  }

  std::string Removals() const {
    return ledger.Value(
        "SELECT count(*) || coalesce(' ' || min(why), '') FROM removals"
        " WHERE done IS NOT NULL");
  }

 private:
  int names_ = 0;
};

TEST_CASE_METHOD(RetentionTest,
                 "A ledger that is too large loses its oldest rows, and not many more") {
  FillWithQueries(1);
  OpenForRetention();
  const int64_t before = UsedBytes();
  const int64_t allowed = before * 8 / 10;
  KeepSize(allowed);
  CHECK(UsedBytes() > before / 2);  // and no more than that
  CHECK(Number("SELECT max(query_id) FROM query") == 2000);
  CHECK(Number("SELECT count(*) FROM query") == 2001 - Number("SELECT min(query_id) FROM query"));
  CHECK(Number("PRAGMA freelist_count") == 0);
  CheckSound();
}

TEST_CASE_METHOD(RetentionTest, "A ledger of connections is kept to its size as well") {
  FillWithConnections(1);
  OpenForRetention();
  const int64_t allowed = UsedBytes() * 8 / 10;
  KeepSize(allowed);
  CHECK(Number("SELECT count(*) FROM connection") > 500);
  CheckSound();
}

TEST_CASE_METHOD(RetentionTest, "Within its size and age nothing goes") {
  FillWithQueries(1, 20);
  OpenForRetention();
  Keep({.keep = std::chrono::hours(1), .max_bytes = UsedBytes(), .spared = kNothingSpared});
  CHECK(Removals() == "0");
  CHECK(Number("SELECT count(*) FROM query") == 200);
}

TEST_CASE_METHOD(RetentionTest, "What is younger than ten minutes stays, however much it is") {
  FillWithQueries(1, 20);
  OpenForRetention();
  Keep({.max_bytes = 1});
  CHECK(Removals() == "0");
}

TEST_CASE_METHOD(RetentionTest,
                 "After the clock was set back, size still removes, and age does not") {
  FillWithQueries(kFutureUs, 50);
  FillWithQueries(1, 50);
  OpenForRetention();
  Keep({.keep = std::chrono::minutes(10), .spared = kNothingSpared});
  CHECK(Removals() == "0");
  Keep({.max_bytes = UsedBytes() * 8 / 10});
  CHECK(Removals() == "1 size");
  CHECK(Number("SELECT count(*) FROM query WHERE time_us = 1") == 500);
  CheckSound();
}

}  // namespace
}  // namespace namegate::testing
