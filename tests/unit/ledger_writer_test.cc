#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <set>

#include "resolver/ledger_file.h"
#include "resolver/ledger_group.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

using resolver::Durability;
using resolver::LedgerRow;
using resolver::LedgerWriter;
using resolver::SessionClosedRow;

std::string OpenError(const std::string& path) {
  auto writer = LedgerWriter::Open(path, Durability::kProcess, [] {});
  return writer ? "opened" : writer.error().message;
}

void Execute(const std::string& path, const std::string& sql) {
  auto database = Database::Open(path, Database::Mode::kReadWriteCreate);
  REQUIRE(database);
  REQUIRE(database->Execute(sql));
}

TEST_CASE("A new ledger is for its owner's eyes only") {
  TestLedger ledger;
  struct stat status {};
  REQUIRE(stat(ledger.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("A committed row is there for another reader by the time its completion runs") {
  TestLedger ledger;
  bool seen = false;
  ledger.writer().Submit(DeniedRow(ledger, "evil.example"), [&](bool committed) {
    seen = committed && ledger.Value("SELECT count(*) FROM query") == "1";
  });
  ledger.Write({});
  CHECK(seen);
}

TEST_CASE("Completions run in the order of their rows, and only in RunCompletions") {
  TestLedger ledger;
  std::vector<int> order;
  for (int i = 0; i < 5000; ++i) {
    ledger.writer().Submit(DeniedRow(ledger, "evil.example"), [&, i](bool) { order.push_back(i); });
  }
  CHECK(order.empty());
  CHECK(ledger.writer().pending() == 5000);
  ledger.Write({});
  REQUIRE(order.size() == 5000);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(ledger.writer().pending() == 0);
}

TEST_CASE("Rows that gather are committed in groups, and each group wakes once") {
  TestLedger ledger;
  std::vector<LedgerRow> rows;
  for (int i = 0; i < 3000; ++i) rows.emplace_back(DeniedRow(ledger, "evil.example"));
  ledger.Write(std::move(rows));
  const size_t wakes = ledger.TakeWakes();
  CHECK(wakes >= 2);     // a group is bounded
  CHECK(wakes <= 1500);  // but not one a row
  CHECK(ledger.Value("SELECT count(*) FROM query") == "3000");
}

TEST_CASE("A completion may submit the next row") {
  TestLedger ledger;
  bool second = false;
  ledger.writer().Submit(DeniedRow(ledger, "a.example"), [&](bool) {
    ledger.writer().Submit(DeniedRow(ledger, "b.example"), [&](bool ok) { second = ok; });
  });
  ledger.Write({});
  CHECK(second);
}

TEST_CASE("The destructor commits what was submitted and runs no completion") {
  TestLedger ledger;
  bool ran = false;
  for (int i = 0; i < 100; ++i) {
    ledger.writer().Submit(DeniedRow(ledger, "evil.example"), [&](bool) { ran = true; });
  }
  ledger.Close();
  CHECK_FALSE(ran);
  CHECK(ledger.Value("SELECT count(*) FROM query") == "100");
}

TEST_CASE("Ids go on from the highest in the ledger") {
  TestLedger ledger;
  ledger.Add(OpenedRow(ledger, "one"));
  ledger.Add(DeniedRow(ledger, "evil.example"));
  ledger.Add(RefusedRow(ledger, "192.0.2.1:443"));
  ledger.Add(RefusedRow(ledger, "192.0.2.1:443"));
  ledger.Reopen();
  CHECK(ledger.writer().NextSessionId() == 2);
  CHECK(ledger.writer().NextQueryId() == 2);
  CHECK(ledger.writer().NextConnectionId() == 3);
}

// Writes rows until it is killed, and tells on `out` each id whose completion has run.
[[noreturn]] void WriteUntilKilled(const std::string& directory, int out) {
  TestLedger ledger(directory);
  ledger.Add(OpenedRow(ledger, "killed"));
  while (true) {
    for (int i = 0; i < 20; ++i) {
      auto row = DeniedRow(ledger, "evil.example");
      const int64_t id = row.id;
      ledger.writer().Submit(std::move(row), [id, out](bool committed) {
        if (committed && write(out, &id, sizeof(id)) != sizeof(id)) _exit(1);
      });
    }
    ledger.Write({});
  }
}

TEST_CASE("What a completion was run for is in the ledger after kill -9") {
  TempDir directory;
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) WriteUntilKilled(directory.path(), ends[1]);
  close(ends[1]);
  int64_t last = 0;
  int64_t told = 0;
  for (int64_t id = 0; read(ends[0], &id, sizeof(id)) == sizeof(id); last = id) {
    if (++told == 500) kill(child, SIGKILL);
  }
  close(ends[0]);
  waitpid(child, nullptr, 0);
  REQUIRE(told >= 500);

  TestLedger ledger(directory.path());
  CHECK(std::stoll(ledger.Value("SELECT count(*) FROM queries WHERE id <= " +
                                std::to_string(last))) == last);
  CHECK(ledger.Value("SELECT count(*) FROM pragma_foreign_key_check") == "0");
  CHECK(ledger.Value("SELECT close_reason FROM sessions") == "NULL");
  CHECK(ledger.writer().NextQueryId() > last);
}

TEST_CASE("A wrong row among many is found with few transactions") {
  TestLedger ledger;
  std::vector<LedgerRow> rows;
  for (int i = 0; i < 127; ++i) rows.emplace_back(DeniedRow(ledger, "evil.example"));
  rows.insert(rows.begin() + 77, rows[76]);
  ledger.Close();
  auto database = resolver::OpenLedgerFile(ledger.path(), Durability::kProcess);
  REQUIRE(database);
  auto groups = resolver::LedgerGroupWriter::Create(*database, std::nullopt);
  REQUIRE(groups);
  const auto outcome = (*groups)->Commit(rows);
  std::vector<bool> expected(128, true);
  expected[77] = false;
  CHECK(outcome.committed == expected);
  CHECK_FALSE(outcome.ledger_failed);
  CHECK_FALSE(outcome.trouble.empty());
  CHECK(ledger.Value("SELECT count(*) FROM seal") == "7");
}

TEST_CASE("A row that the ledger refuses for its own sake fails alone") {
  TestLedger ledger;
  ledger.Add(OpenedRow(ledger, "build"));
  auto wrong = DeniedRow(ledger, "twice.example");
  ledger.Add(wrong);
  std::vector<LedgerRow> rows;
  rows.emplace_back(DeniedRow(ledger, "before.example"));
  rows.emplace_back(wrong);
  rows.emplace_back(DeniedRow(ledger, "after.example"));
  CHECK(ledger.Write(std::move(rows)) == std::vector<bool>{true, false, true});
  CHECK(ledger.writer().trouble().empty());
  CHECK(ledger.Value("SELECT count(*) FROM query") == "3");
  CHECK(ledger.Value("SELECT count(*) FROM pragma_foreign_key_check") == "0");
}

TEST_CASE("Rows beyond the bound are refused at once, and those before it are kept") {
  TestLedger ledger;
  // A lock held by someone else keeps the writer from taking more than its first group.
  auto locker = Database::Open(ledger.path(), Database::Mode::kReadWriteCreate);
  REQUIRE(locker);
  REQUIRE(locker->Execute("BEGIN IMMEDIATE"));
  const size_t more = LedgerWriter::kMaxWaitingRows + 5000;
  size_t kept = 0;
  size_t refused = 0;
  const auto row = DeniedRow(ledger, "evil.example");
  for (size_t i = 0; i < more; ++i) {
    auto next = row;
    next.id = static_cast<int64_t>(i) + 1;
    ledger.writer().Submit(std::move(next), [&](bool ok) { ++(ok ? kept : refused); });
  }
  ledger.writer().RunCompletions();
  CHECK(refused >= 1000);  // more on a slow machine, where groups wait too long for the lock
  REQUIRE(locker->Execute("ROLLBACK"));
  ledger.Write({});
  CHECK(kept > 0);
  CHECK(kept + refused == more);
  CHECK(ledger.Value("SELECT count(*) FROM query") == std::to_string(kept));
}

TEST_CASE("While another holds the write lock rows fail, and afterwards they do not") {
  TestLedger ledger;
  auto locker = Database::Open(ledger.path(), Database::Mode::kReadWriteCreate);
  REQUIRE(locker);
  REQUIRE(locker->Execute("BEGIN IMMEDIATE"));
  CHECK(ledger.Write({DeniedRow(ledger, "evil.example")}) == std::vector<bool>{false});
  CHECK(ledger.writer().trouble().find("locked") != std::string::npos);
  REQUIRE(locker->Execute("ROLLBACK"));
  ledger.Add(DeniedRow(ledger, "evil.example"));
  CHECK(ledger.writer().trouble().empty());
}

TEST_CASE("A reader in a long transaction does not hold the writer up, and sees its own moment") {
  TestLedger ledger;
  ledger.Add(DeniedRow(ledger, "evil.example"));
  auto reader = Database::Open(ledger.path(), Database::Mode::kReadOnly);
  REQUIRE(reader);
  REQUIRE(reader->Execute("BEGIN"));
  CHECK(reader->QueryInteger("SELECT count(*) FROM query").value() == 1);
  for (int i = 0; i < 20; ++i) ledger.Add(DeniedRow(ledger, "evil.example"));
  CHECK(reader->QueryInteger("SELECT count(*) FROM query").value() == 1);
  CHECK(ledger.Value("SELECT count(*) FROM query") == "21");
}

TEST_CASE("The write-ahead log stays short under steady writing") {
  TestLedger ledger;
  off_t longest = 0;
  for (int i = 0; i < 400; ++i) {
    std::vector<LedgerRow> rows;
    for (int j = 0; j < 100; ++j) {
      rows.emplace_back(DeniedRow(ledger, "n" + std::to_string(100 * i + j) + ".example"));
    }
    ledger.Write(std::move(rows));
    struct stat status {};
    REQUIRE(stat((ledger.path() + "-wal").c_str(), &status) == 0);
    longest = std::max(longest, status.st_size);
  }
  CHECK(ledger.Value("SELECT count(*) FROM query") == "40000");
  INFO("its longest: " << longest);
  CHECK(longest < 40 * 1024 * 1024);
}

TEST_CASE("A file that is not a ledger is refused and left as it was") {
  TempDir directory;
  SECTION("a text") {
    const std::string text = "Dear diary,\n" + std::string(5000, 'x');
    const std::string path = directory.Write("ledger.db", text);
    CHECK_THAT(OpenError(path), Catch::Contains(path) && Catch::Contains("not a ledger"));
    CHECK(ReadFile(path) == text);
  }
  SECTION("a database of someone else's") {
    Execute(directory.File("ledger.db"), "CREATE TABLE t (x)");
    const std::string before = ReadFile(directory.File("ledger.db"));
    CHECK_THAT(OpenError(directory.File("ledger.db")), Catch::Contains("not a ledger"));
    CHECK(ReadFile(directory.File("ledger.db")) == before);
  }
  SECTION("a directory") {
    CHECK_THAT(OpenError(directory.path()), Catch::Contains(directory.path()));
  }
  SECTION("nothing, in a directory that is not there") {
    CHECK_THAT(OpenError(directory.File("no/ledger.db")), Catch::Contains("no/ledger.db"));
  }
}

TEST_CASE("An empty file becomes a ledger") {
  TempDir directory;
  CHECK(OpenError(directory.Write("ledger.db", "")) == "opened");
}

TEST_CASE("A ledger of a newer version is refused and left as it was") {
  TestLedger ledger;
  ledger.Close();
  Execute(ledger.path(), "PRAGMA user_version = 1000");
  const std::string before = ReadFile(ledger.path());
  CHECK_THAT(OpenError(ledger.path()),
             Catch::Contains("newer Namegate") && Catch::Contains("1000"));
  CHECK(ReadFile(ledger.path()) == before);
}

TEST_CASE("Durability against a power cut syncs at each commit") {
  TempDir directory;
  const auto synchronous = [&](Durability durability) {
    auto database = resolver::OpenLedgerFile(directory.File("ledger.db"), durability);
    REQUIRE(database);
    return database->QueryInteger("PRAGMA synchronous").value();
  };
  CHECK(synchronous(Durability::kProcess) == 1);  // NORMAL
  CHECK(synchronous(Durability::kPower) == 2);    // FULL
}

}  // namespace
}  // namespace namegate::testing
