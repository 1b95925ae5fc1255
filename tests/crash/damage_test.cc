// A ledger of ours that is damaged is set aside, a new one begun, and everybody is told. What is
// not a ledger of ours, or a newer one, is refused (ledger_writer_test.cc).

#include "tests/support/damage.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/crash/faulty_daemon.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

constexpr int64_t kPage = 4096;

void Execute(const std::string& path, const std::string& sql) {
  auto database = Database::Open(path, Database::Mode::kReadWriteCreate);
  REQUIRE(database);
  REQUIRE(sqlite3_exec(database->handle(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
}

// The ledgers that were set aside, without their logs.
Texts SetAside(const Daemon& daemon) {
  Texts names;
  for (const auto& entry : std::filesystem::directory_iterator(daemon.paths().directory())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("ledger.db.damaged-") && !name.ends_with("-wal")) names.push_back(name);
  }
  return names;
}

void MustSaySo(FaultyDaemon& faulty) {
  const Texts aside = SetAside(faulty.daemon());
  REQUIRE(aside.size() == 1);
  const auto notices = faulty.daemon().Rows("SELECT kind, text FROM notices ORDER BY id");
  REQUIRE(notices.size() == 2);
  CHECK_THAT(notices[0], Catch::StartsWith("set-aside|") && Catch::Contains(aside[0]));
  CHECK_THAT(notices[1], Catch::StartsWith("begun|"));
  const Outcome status = faulty.Status();
  CHECK(status.status == 0);
  CHECK_THAT(status.out, Catch::Contains(aside[0]));
  CHECK(faulty.Findings().empty());
}

TEST_CASE("A ledger that is damaged while the daemon runs is set aside, and its sessions go on") {
  FaultyDaemon faulty;
  Daemon& daemon = faulty.daemon();
  const std::string path = daemon.paths().ledger();
  const TestSession closed = daemon.OpenSession({"c.example.org:443"});
  daemon.CloseSession(closed);
  REQUIRE(faulty.Answer("a.example.org") == "NOERROR");
  // All is moved out of the log, and what another wrote makes the daemon read again.
  const int64_t page = RootPage(path, "query");
  Execute(path, "PRAGMA wal_checkpoint(TRUNCATE)");
  Execute(path, "UPDATE reason SET meaning = meaning WHERE reason_id = 1");
  OverwritePage(path, page);
  CHECK(faulty.Answer("b.example.org") == "SERVFAIL 14");  // this one met it

  CHECK(faulty.Answer("b.example.org") == "NOERROR");
  CHECK(faulty.Connect("192.0.2.8") == "allow");
  MustSaySo(faulty);
  CHECK(daemon.Rows("SELECT session, policy, closed FROM sessions") ==
        Texts{std::to_string(faulty.session().id) + "|a.example.org:443\nb.example.org:443\n|-"});
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE session = " +
                      std::to_string(faulty.session().id)) == 1);
  // And the new one is a ledger like any other.
  daemon.Kill();
  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  CHECK(faulty.Connect("192.0.2.8") == "allow");
  MustSaySo(faulty);
  const Outcome outcome = daemon.Stop();
  CHECK(outcome.status == 0);
}

TEST_CASE("A ledger that is found damaged at the start is set aside, with its log") {
  FaultyDaemon faulty;
  Daemon& daemon = faulty.daemon();
  const std::string path = daemon.paths().ledger();
  REQUIRE(faulty.Answer("a.example.org") == "NOERROR");
  daemon.Kill();
  SECTION("the tables") {
    Execute(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    OverwritePage(path, RootPage(path, "session"));
  }
  SECTION("the schema") {
    Execute(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file << std::string(kPage - 100, 'x');
  }
  SECTION("cut off") {
    Execute(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    std::filesystem::resize_file(path, 2 * kPage);
  }
  SECTION("gone, but for the log") {
    std::filesystem::resize_file(path, 0);
    REQUIRE(std::filesystem::file_size(path + "-wal") > 0);
  }
  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  MustSaySo(faulty);
  // What a damaged ledger says about policies is not taken over.
  CHECK(daemon.Status("sessions") == 0);
  const Outcome outcome = daemon.Stop();
  CHECK_THAT(outcome.err, Catch::Contains("set aside as"));
}

TEST_CASE("Damage that shows where leases are restored sets the ledger aside, and sessions go on") {
  FaultyDaemon faulty;
  Daemon& daemon = faulty.daemon();
  const std::string path = daemon.paths().ledger();
  REQUIRE(faulty.Answer("a.example.org") == "NOERROR");
  REQUIRE(faulty.Connect("192.0.2.7") == "allow");
  daemon.Kill();
  Execute(path,
          "WITH RECURSIVE more (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM more WHERE i < 1000)"
          " INSERT INTO connection SELECT c.connection_id + i, time_us, session_id, gate_id, pid,"
          " program_id, protocol, address_id, port, verdict, reason, rule_id, name_id, query_id"
          " FROM connection AS c, more");
  Execute(path, "PRAGMA wal_checkpoint(TRUNCATE)");
  OverwritePage(path, FirstLeaf(path, "connection"));
  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  CHECK(faulty.Connect("192.0.2.7") == "no-lease");
  CHECK(faulty.Answer("a.example.org") == "NOERROR");
  CHECK(faulty.Connect("192.0.2.7") == "allow");
  MustSaySo(faulty);
  CHECK(daemon.Status("sessions") == 1);
}

}  // namespace
}  // namespace namegate::testing
