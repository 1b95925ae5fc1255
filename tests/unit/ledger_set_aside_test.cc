// A damaged ledger is set aside in steps: whichever is the last that was taken, the next start goes
// on behind it. That damage is found, and what a daemon does then: tests/crash/damage_test.cc.

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "resolver/ledger_damage.h"
#include "resolver/ledger_file.h"
#include "tests/support/damage.h"
#include "tests/support/small_disk.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kSuffix[] = ".damaged-2027-01-15T08-00-00Z";
constexpr char kText[] = "the ledger was damaged (in a test)";

// The files beside the ledger that are not its own, but for shared memory, which readers make.
std::vector<std::string> Others(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("ledger.db.") && !name.ends_with("-shm")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A ledger with three queries, as kill -9 leaves it: what was committed is in its log.
class KilledLedger {
 public:
  KilledLedger() {
    TestLedger ledger;
    ledger.Add(OpenedRow(ledger, "build"));
    for (int i = 0; i < 3; ++i) ledger.Add(DeniedRow(ledger, "evil.example"));
    for (const char* part : {"", "-wal"}) fs::copy_file(ledger.path() + part, path() + part);
  }

  const std::string& directory() const { return directory_.path(); }
  std::string path() const { return directory_.File("ledger.db"); }
  void Intend() const {
    directory_.Write("ledger.db.setting-aside", std::string(kSuffix) + "\n" + kText);
  }
  void Move(const std::string& part) const { fs::rename(path() + part, path() + kSuffix + part); }

 private:
  TempDir directory_;
};

TEST_CASE_METHOD(KilledLedger,
                 "Setting a ledger aside is gone on with wherever it was broken off") {
  Intend();
  SECTION("before anything was moved") {}
  SECTION("when its log was moved") { Move("-wal"); }
  SECTION("when all was moved") {
    Move("-wal");
    Move("");
  }
  SECTION("when the new one was there and said nothing yet") {
    Move("-wal");
    Move("");
    REQUIRE(resolver::OpenLedgerFile(path(), resolver::Durability::kProcess));
  }
  SECTION("just before its end") {
    TestLedger(directory()).Close();
    Intend();
  }
  const TestLedger ledger(directory());
  CHECK(Others(directory()) ==
        std::vector<std::string>{"ledger.db" + std::string(kSuffix),
                                 "ledger.db" + std::string(kSuffix) + "-wal"});
  CHECK(ledger.Value("SELECT group_concat(kind || '|' || text) FROM notices") ==
        "set-aside|" + std::string(kText) +
            ",begun|this ledger was begun in place of the damaged one");
  auto aside = Database::Open(path() + kSuffix, Database::Mode::kReadOnly);
  REQUIRE(aside);
  CHECK(aside->QueryInteger("SELECT count(*) FROM query").value() == 3);
}

TEST_CASE_METHOD(KilledLedger, "What is to become of a ledger is noted until it is done") {
  const auto text = resolver::SetLedgerAside(path(), "in a test", kNoonUs);
  REQUIRE(text);
  CHECK(*text == "the ledger was damaged (in a test) and set aside as '" + path() + kSuffix + "'");
  CHECK(resolver::IsBeingSetAside(path()));
  // What is begun in its place is left alone.
  std::ofstream(path()) << "new";
  CHECK(resolver::SetLedgerAside(path(), "again", kNoonUs + 5'000'000).value() == *text);
  CHECK(fs::file_size(path()) == 3);
  REQUIRE(resolver::FinishSettingAside(path()));
  CHECK_FALSE(resolver::IsBeingSetAside(path()));
}

TEST_CASE_METHOD(KilledLedger, "A log without its ledger is set aside") {
  fs::remove(path());
  const TestLedger ledger(directory());
  CHECK_THAT(ledger.Value("SELECT text FROM notices WHERE kind = 'set-aside'"),
             Catch::Contains("its log is not"));
  const auto others = Others(directory());
  REQUIRE(others.size() == 2);
  CHECK(others[1] == others[0] + "-wal");
}

TEST_CASE("When there is no room for a new ledger, the damaged one is named once there is") {
  const int64_t room = GENERATE(0, 64 * 1024);
  const SmallDisk disk;
  {
    TestLedger ledger(disk.path());
    ledger.Add(OpenedRow(ledger, "build"));
    ledger.Close();
    OverwritePage(ledger.path(), RootPage(ledger.path(), "session"));
  }
  const std::string path = disk.path() + "/ledger.db";
  const auto size = fs::file_size(path);
  disk.Fill();
  disk.MakeRoom(room);
  REQUIRE_FALSE(resolver::LedgerWriter::Open(path, resolver::Durability::kProcess, [] {}));
  disk.MakeRoom();
  TestLedger ledger(disk.path());
  const auto others = Others(disk.path());
  REQUIRE_FALSE(others.empty());
  CHECK(others.back().starts_with(others[0]));  // its log, if any
  CHECK(fs::file_size(disk.path() + "/" + others[0]) == size);
  CHECK_THAT(ledger.Value("SELECT text FROM notices WHERE kind = 'set-aside'"),
             Catch::Contains(others[0]));
  ledger.Close();
}

TEST_CASE("Damage that is met where old rows are removed sets the ledger aside") {
  TestLedger ledger;
  auto opened = OpenedRow(ledger, "build");
  opened.exposed = {"/run/docker.sock", "/run/other.sock"};
  ledger.Add(opened);
  for (int group = 0; group < 10; ++group) {
    std::vector<resolver::LedgerRow> rows;
    for (int i = 0; i < 100; ++i) rows.emplace_back(DeniedRow(ledger, "evil.example"));
    REQUIRE(ledger.Write(std::move(rows)) == std::vector<bool>(100, true));
  }
  ledger.Close();
  OverwritePage(ledger.path(), FirstLeaf(ledger.path(), "query"));
  ledger.Reopen({.max_bytes = 1, .spared = std::chrono::microseconds(0)});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (ledger.writer().set_aside().empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK_THAT(ledger.writer().set_aside(), Catch::Contains("malformed"));
  CHECK(ledger.writer().trouble().empty());
  ledger.Add(DeniedRow(ledger, "later.example"));
  CHECK(ledger.Value("SELECT label || '|' || exposed FROM sessions") ==
        "build|/run/docker.sock\n/run/other.sock");
  CHECK(ledger.Value("SELECT count(*) FROM queries") == "1");
}

}  // namespace
}  // namespace namegate::testing
