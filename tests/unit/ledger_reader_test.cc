#include "common/ledger_reader.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/skip.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

std::string ReadError(const std::string& path) {
  auto database = OpenLedgerToRead(path);
  return database ? "opened" : database.error().message;
}

// The number of queries that a reader sees, or why it sees none.
std::string Queries(const std::string& path) {
  auto database = OpenLedgerToRead(path);
  if (!database) return database.error().message;
  auto count = database->QueryInteger("SELECT count(*) FROM queries");
  return count ? std::to_string(*count) : count.error().message;
}

// The same, seen by a user who may read but not write: true if it is `expected`.
bool SeenByNobody(const std::string& path, const std::string& expected) {
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(2);
    _exit(Queries(path) == expected ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_CASE("A ledger is read while it is written") {
  TestLedger ledger;
  ledger.Add(DeniedRow(ledger, "evil.example"));
  CHECK(Queries(ledger.path()) == "1");
  ledger.Add(DeniedRow(ledger, "evil.example"));
  CHECK(Queries(ledger.path()) == "2");
}

TEST_CASE("A ledger is read when nobody writes it") {
  TestLedger ledger;
  ledger.Add(DeniedRow(ledger, "evil.example"));
  ledger.Close();
  REQUIRE(access((ledger.path() + "-wal").c_str(), F_OK) != 0);
  CHECK(Queries(ledger.path()) == "1");
  // And it can be written again afterwards.
  ledger.Reopen();
  ledger.Add(DeniedRow(ledger, "evil.example"));
  CHECK(Queries(ledger.path()) == "2");
}

TEST_CASE("A reader cannot write") {
  TestLedger ledger;
  auto database = OpenLedgerToRead(ledger.path());
  REQUIRE(database);
  CHECK_FALSE(database->Execute("DELETE FROM reason"));
}

TEST_CASE("A user with the right to read only, reads a ledger at rest and in use") {
  NeedRoot("become another user");
  TestLedger ledger;
  ledger.Add(DeniedRow(ledger, "evil.example"));
  CHECK_FALSE(SeenByNobody(ledger.path(), "1"));  // by default nobody else may
  for (const char* suffix : {"", "-wal", "-shm"}) chmod((ledger.path() + suffix).c_str(), 0644);
  CHECK(SeenByNobody(ledger.path(), "1"));
  ledger.Close();
  CHECK(SeenByNobody(ledger.path(), "1"));
}

TEST_CASE("A path with odd characters is read as any other, at rest too") {
  TempDir above;
  const std::string odd = above.File("a?b#c%41 d");
  REQUIRE(mkdir(odd.c_str(), 0755) == 0);
  TestLedger ledger(odd);
  ledger.Add(DeniedRow(ledger, "evil.example"));
  ledger.Close();
  CHECK(Queries(ledger.path()) == "1");
  if (geteuid() != 0) return;
  chmod(ledger.path().c_str(), 0644);
  std::remove((ledger.path() + "-shm").c_str());
  std::remove((ledger.path() + "-wal").c_str());
  CHECK(SeenByNobody(ledger.path(), "1"));
}

TEST_CASE("What is not a readable ledger of this version is refused with what to do") {
  TestLedger ledger;
  ledger.Close();
  const std::string path = ledger.directory() + "/other.db";
  const auto make = [&](const std::string& sql) {
    std::remove(path.c_str());
    auto database = Database::Open(path, Database::Mode::kReadWriteCreate);
    REQUIRE(database);
    REQUIRE(database->Execute(sql));
  };
  const std::string ours = "PRAGMA application_id = 1313295431;";

  CHECK_THAT(ReadError(path), Catch::Contains("there is none") && Catch::Contains("--state-dir"));
  CHECK_THAT(ReadError(ledger.directory()), Catch::Contains("not a file"));
  make("CREATE TABLE t (x)");
  CHECK_THAT(ReadError(path), Catch::Contains("not a ledger"));
  make("");
  CHECK_THAT(ReadError(path), Catch::Contains("not a ledger"));
  make(ours + "PRAGMA user_version = 99");
  CHECK_THAT(ReadError(path), Catch::Contains("newer Namegate") && Catch::Contains("99"));
  make(ours + "PRAGMA user_version = 0");
  CHECK_THAT(ReadError(path), Catch::Contains("older Namegate"));
  std::remove(path.c_str());
  CHECK_FALSE(ReadError(ledger.directory() + "/" + "other.db") == "opened");
}

}  // namespace
}  // namespace namegate::testing
