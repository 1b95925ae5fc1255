// Ledgers of earlier versions, kept in golden/ as they were written then, become current ones.

#include <catch2/catch.hpp>
#include <cstdio>

#include "common/ledger_verifier.h"
#include "schema/schema.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

std::string Golden(int version) {
  return ReadFile(std::string(NAMEGATE_SOURCE_DIR) + "/tests/unit/golden/ledger_" +
                  std::to_string(version) + ".sql");
}

void Create(const std::string& path, const std::string& sql) {
  auto database = Database::Open(path, Database::Mode::kReadWriteCreate);
  REQUIRE(database);
  const auto done = database->Execute(sql);
  INFO((done ? "" : done.error().message));
  REQUIRE(done);
}

constexpr char kSchema[] =
    "SELECT group_concat(text, char(10)) FROM (SELECT type || name || sql AS text"
    " FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name)";

TEST_CASE("Each earlier version is kept, and migrating it gives exactly the current schema") {
  const TestLedger fresh;
  for (int version = 1; version < schema::CurrentVersion(); ++version) {
    INFO("version " << version);
    const std::string golden = Golden(version);
    REQUIRE_FALSE(golden.empty());
    const TempDir directory;
    Create(directory.File("ledger.db"), golden);
    const TestLedger migrated(directory.path());
    CHECK(migrated.Value("PRAGMA user_version") == std::to_string(schema::CurrentVersion()));
    CHECK(migrated.Value(kSchema) == fresh.Value(kSchema));
    CHECK(migrated.Value("PRAGMA integrity_check") == "ok");
    CHECK(migrated.Value("SELECT count(*) FROM pragma_foreign_key_check") == "0");
  }
}

Verification Verify(const TestLedger& ledger) {
  auto database = Database::Open(ledger.path(), Database::Mode::kReadOnly);
  REQUIRE(database);
  auto verified = VerifyLedger(*database, std::nullopt, std::nullopt);
  REQUIRE(verified);
  return *verified;
}

TEST_CASE("A ledger of version 2 keeps its rows and its chain of seals, which goes on") {
  const TempDir directory;
  Create(directory.File("ledger.db"), Golden(2));
  TestLedger ledger(directory.path());
  CHECK(ledger.Value("SELECT count(*) FROM queries") == "24");
  CHECK(ledger.Value("SELECT count(*) FROM connections") == "8");
  CHECK(ledger.Value("SELECT count(*) FROM notices") == "0");
  const Verification before = Verify(ledger);
  CHECK(before.findings.empty());
  CHECK(before.seals == 37);
  ledger.Add(DeniedRow(ledger, "evil.example"));
  ledger.Close();
  const Verification after = Verify(ledger);
  CHECK(after.findings.empty());
  CHECK(after.seals == before.seals + 1);
}

TEST_CASE("Migrating keeps what the ledger holds, and seals it") {
  const TempDir directory;
  Create(directory.File("ledger.db"), Golden(1));
  TestLedger ledger(directory.path());
  CHECK(ledger.Value("SELECT count(*) FROM queries") == "6");
  CHECK(ledger.Value("SELECT count(*) FROM connections") == "1");
  CHECK(ledger.Value("SELECT group_concat(close_reason) FROM sessions") == "closed,daemon-died");
  CHECK(ledger.Value("SELECT qname FROM queries WHERE verdict = 'deny' AND reason = 'not-allowed'"
                     " ORDER BY id LIMIT 1") == "evil.example");
  auto query = DeniedRow(ledger, "evil.example");
  ledger.Add(query);
  CHECK(query.id == 7);
  ledger.Close();
  const Verification verified = Verify(ledger);
  CHECK(verified.findings.empty());
  CHECK(verified.rows > 30);
}

TEST_CASE("A migration that fails leaves the ledger at its version, with everything in it") {
  const TempDir directory;
  const std::string path = directory.File("ledger.db");
  // The table that version 2 wants to make is there already.
  Create(path, Golden(1) + "CREATE TABLE session_closing (x);");
  const auto opened = resolver::LedgerWriter::Open(path, resolver::Durability::kProcess, [] {});
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error().message, Catch::Contains("migrate to schema 2"));
  auto database = Database::Open(path, Database::Mode::kReadOnly);
  REQUIRE(database);
  CHECK(database->QueryInteger("PRAGMA user_version").value() == 1);
  CHECK(database->QueryInteger("SELECT count(*) FROM session_closed").value() == 2);
  CHECK(database->QueryInteger("SELECT count(*) FROM queries").value() == 6);
  CHECK(database->QueryInteger("SELECT count(*) FROM sqlite_schema WHERE name = 'seal'").value() ==
        0);
}

}  // namespace
}  // namespace namegate::testing
