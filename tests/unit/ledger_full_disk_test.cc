#include <catch2/catch.hpp>

#include "tests/support/small_disk.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

using resolver::LedgerRow;

// Rows with names that nobody asked for before, so that every table grows.
std::vector<LedgerRow> FreshRows(TestLedger& ledger, int count) {
  static int fresh = 0;
  std::vector<LedgerRow> rows;
  for (int i = 0; i < count; ++i) {
    const std::string qname = "name" + std::to_string(++fresh) + ".example";
    auto row = AllowedRow(ledger, qname);
    row.answer = Answer({ARecord(qname, "192.0.2.7", 300)});
    rows.emplace_back(std::move(row));
  }
  return rows;
}

size_t Committed(const std::vector<bool>& results) {
  return static_cast<size_t>(std::count(results.begin(), results.end(), true));
}

TEST_CASE("On a full disk rows fail, and when there is room again they are written, whole") {
  const SmallDisk disk;
  TestLedger ledger(disk.path());
  ledger.Add(OpenedRow(ledger, "before"));
  disk.Fill();

  size_t committed = 0;
  bool failed = false;
  for (int i = 0; i < 200 && !failed; ++i) {
    const auto results = ledger.Write(FreshRows(ledger, 50));
    committed += Committed(results);
    failed = Committed(results) < results.size();
  }
  REQUIRE(failed);
  CHECK_THAT(ledger.writer().trouble(), Catch::Contains("full"));
  CHECK(ledger.Value("SELECT count(*) FROM queries") == std::to_string(committed));

  // It stays so: nothing is taken for written that is not.
  CHECK(Committed(ledger.Write(FreshRows(ledger, 50))) == 0);

  disk.MakeRoom();
  CHECK(Committed(ledger.Write(FreshRows(ledger, 50))) == 50);
  committed += 50;
  CHECK(ledger.writer().trouble().empty());
  CHECK(ledger.Value("SELECT count(*) FROM queries WHERE qname IS NOT NULL") ==
        std::to_string(committed));
  // Ids that were given out in what was rolled back would dangle.
  CHECK(ledger.Value("SELECT count(*) FROM pragma_foreign_key_check") == "0");
  CHECK(ledger.Value("SELECT count(*) FROM queries AS q JOIN answers AS a USING (answer_id)"
                     " WHERE a.owner = q.qname") == std::to_string(committed));
  CHECK(ledger.Value("PRAGMA integrity_check") == "ok");
  ledger.Close();
}

}  // namespace
}  // namespace namegate::testing
