// A moment, or an id, is found in a ledger of any size by halving its seals.

#include "common/seal_search.h"

#include <catch2/catch.hpp>

namespace namegate::testing {
namespace {

// Seals of a ledger, of which every so-manieth says that there is a connection.
class Seals {
 public:
  Seals(int64_t first, int64_t last, int64_t apart) {
    auto opened = Database::Open(":memory:", Database::Mode::kReadWriteCreate);
    REQUIRE(opened);
    ledger = *std::move(opened);
    REQUIRE(ledger.Execute(
        "CREATE TABLE seal (seal_id INTEGER PRIMARY KEY, connection_id INTEGER);"
        "WITH RECURSIVE n (i) AS (SELECT " +
        std::to_string(first) + " UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(last) +
        ") INSERT INTO seal SELECT i, iif(i % " + std::to_string(apart) + " = 0, i / " +
        std::to_string(apart) + ", NULL) FROM n"));
  }

  // How many steps SQLite takes meanwhile.
  template <typename Work>
  int64_t Steps(Work work) {
    int64_t steps = 0;
    sqlite3_progress_handler(
        ledger.handle(), 1, [](void* count) { return ++*static_cast<int64_t*>(count), 0; }, &steps);
    work();
    sqlite3_progress_handler(ledger.handle(), 0, nullptr, nullptr);
    return steps;
  }

  Database ledger;
};

TEST_CASE("The last seal up to an id is found, with and without seals that do not name it") {
  const int64_t apart = GENERATE(1, 2, 7, 50);
  Seals seals(11, 60, apart);
  for (int64_t bound = 0; bound <= 62; ++bound) {
    INFO(apart << " apart, up to " << bound);
    // The last that names an id within the bound; those before the first count as it does.
    const int64_t expected =
        seals.ledger
            .QueryInteger("SELECT coalesce(max(seal_id), 0) FROM seal WHERE connection_id <= " +
                          std::to_string(bound))
            .value();
    CHECK(LastSealUpTo(seals.ledger, "connection_id", bound).value() == expected);
  }
}

TEST_CASE("Where few seals name an id, none is looked at again and again") {
  Seals seals(1, 20'000, 20'000);
  const int64_t once = seals.Steps([&] {
    REQUIRE(seals.ledger.QueryInteger("SELECT sum(connection_id IS NOT NULL) FROM seal"));
  });
  const int64_t search =
      seals.Steps([&] { REQUIRE(LastSealUpTo(seals.ledger, "connection_id", 0).value() == 0); });
  CHECK(search < 2 * once);
}

}  // namespace
}  // namespace namegate::testing
