// A daemon that keeps a ledger for a second only, killed while it removes the rest.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "common/ledger_verifier.h"
#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

constexpr int kOldRows = 60'000;
constexpr std::chrono::seconds kPatience{60};

// Seals are not older than their rows, and those of the future are not spared for being young.
constexpr int64_t kFutureUs = 4'102'444'800'000'000;  // 2100-01-01

// Rows from `first_us` on, each with a name of its own.
void FillLedger(const std::string& directory, int64_t first_us = 1) {
  TestLedger ledger(directory);
  auto session = OpenedRow(ledger, "long ago");
  session.time_us = first_us;
  ledger.Add(session);
  std::vector<resolver::LedgerRow> rows;
  for (int i = 1; i <= kOldRows; ++i) {
    auto row = AllowedRow(ledger, "old" + std::to_string(i) + ".example");
    row.session = session.session;
    row.time_us = first_us + i;
    rows.emplace_back(std::move(row));
  }
  const auto written = ledger.Write(std::move(rows));
  REQUIRE(std::count(written.begin(), written.end(), true) == kOldRows);
  ledger.Add(resolver::SessionClosedRow{session.session, first_us + 1, "closed"});
}

// Asks again and again, for as long as the daemon answers, until the ledger says so.
bool WaitFor(Daemon& daemon, const std::string& sql) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < limit) {
    if (daemon.Number(sql) != 0) return true;
    if (daemon.Status("pid") <= 0) return false;
  }
  return false;
}

Verification Verify(const Daemon& daemon) {
  auto ledger = Database::Open(daemon.paths().ledger(), Database::Mode::kReadOnly);
  REQUIRE(ledger);
  auto verified = VerifyLedger(*ledger, std::nullopt, std::nullopt);
  REQUIRE(verified);
  return *verified;
}

TEST_CASE("What is too old is removed while the daemon answers, and on after kill -9") {
  const Authority authority(kExampleRecords);
  Daemon daemon(DaemonOptions{{authority.endpoint()}, "keep = \"1s\"\n", {}});
  CHECK(daemon.Stop().status == 0);
  FillLedger(std::filesystem::path(daemon.paths().ledger()).parent_path().string());
  const auto full = std::filesystem::file_size(daemon.paths().ledger());

  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  REQUIRE(WaitFor(daemon, "SELECT count(*) FROM removals"));
  daemon.Kill();
  CHECK(Verify(daemon).findings.empty());

  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  const TestSession session = daemon.OpenSession(Texts{"a.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").data() == Texts{"192.0.2.7"});
  // Whatever was not a second old when it looked first goes with the next removals. The newest row
  // of each kind stays.
  REQUIRE(WaitFor(daemon, "SELECT count(*) <= 1 FROM name WHERE text LIKE 'old%'"));
  REQUIRE(WaitFor(daemon, "SELECT coalesce(sum(queries), 0) >= " + std::to_string(kOldRows - 1) +
                              " FROM removals WHERE done IS NOT NULL"));
  REQUIRE(WaitFor(daemon, "SELECT freelist_count = 0 FROM pragma_freelist_count"));
  CHECK(daemon.Number("SELECT count(*) FROM pragma_foreign_key_check") == 0);
  CHECK(Verify(daemon).findings.empty());
  CHECK(daemon.Stop().status == 0);
  CHECK(std::filesystem::file_size(daemon.paths().ledger()) < full / 4);
}

TEST_CASE("What is too much is removed while the daemon answers, the oldest first") {
  const Authority authority(kExampleRecords);
  Daemon daemon(DaemonOptions{{authority.endpoint()}, "max_size = \"10MB\"\n", {}});
  CHECK(daemon.Stop().status == 0);
  FillLedger(std::filesystem::path(daemon.paths().ledger()).parent_path().string(), kFutureUs);
  const auto full = std::filesystem::file_size(daemon.paths().ledger());
  REQUIRE(full > 12'000'000);

  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  const TestSession session = daemon.OpenSession(Texts{"a.example.org:443"});
  REQUIRE(WaitFor(daemon, "SELECT count(*) FROM removals WHERE done IS NOT NULL AND why = 'size'"));
  REQUIRE(WaitFor(daemon, "SELECT freelist_count = 0 FROM pragma_freelist_count"));
  CHECK(Ask(session.nameserver, "a.example.org").data() == Texts{"192.0.2.7"});
  // Those that stayed are the newest, without a gap.
  CHECK(daemon.Number("SELECT count(*) FROM query WHERE query_id <= 60000") ==
        60'001 - daemon.Number("SELECT min(query_id) FROM query"));
  CHECK(daemon.Number("SELECT min(query_id) BETWEEN 1000 AND 50000 FROM query") == 1);
  CHECK(Verify(daemon).findings.empty());
  CHECK(daemon.Stop().status == 0);
  CHECK(std::filesystem::file_size(daemon.paths().ledger()) < full);
}

}  // namespace
}  // namespace namegate::testing
