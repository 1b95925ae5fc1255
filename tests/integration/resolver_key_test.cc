// A daemon whose seals are made with a key.

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "common/ledger_verifier.h"
#include "tests/support/daemon.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

constexpr char kKey[] = "sixteen octets!!";

// A daemon with a key that was there before it started, and what it needs to be asked nothing.
class KeyTest {
 public:
  explicit KeyTest(const std::string& key = kKey) {
    if (!key.empty()) WriteKey(key);
    daemon.emplace(DaemonOptions{
        {Endpoint::FromText("127.0.0.1:9").value()}, "", {}, {}, "namegated", directory.path()});
    REQUIRE(daemon->readiness() == "ready");
    daemon->CloseSession(daemon->OpenSession({"a.example.org:443"}));
    CHECK(daemon->Stop().status == 0);
  }

  void WriteKey(const std::string& key) const {
    chmod(directory.Write("ledger.key", key).c_str(), 0600);
  }
  // What it says when it is started again.
  std::string Start() {
    daemon->Start();
    return daemon->readiness();
  }
  Verification Verify() const {
    auto ledger = Database::Open(daemon->paths().ledger(), Database::Mode::kReadOnly);
    REQUIRE(ledger);
    auto verified = VerifyLedger(*ledger, Key(kKey), std::nullopt);
    REQUIRE(verified);
    return *verified;
  }

  TempDir directory;
  std::optional<Daemon> daemon;
};

TEST_CASE_METHOD(KeyTest,
                 "A ledger that was sealed with a key is gone on with under that key alone") {
  SECTION("the key is gone") {
    std::filesystem::remove(daemon->paths().ledger_key());
    CHECK_THAT(Start(), Catch::StartsWith("error: ") && Catch::Contains("there is no ledger.key") &&
                            Catch::Contains("Put back"));
  }
  SECTION("the key is another") {
    WriteKey("sixteen octets??");
    CHECK_THAT(Start(), Catch::StartsWith("error: ") && Catch::Contains("does not match"));
  }
  SECTION("the last row is another") {
    auto ledger = Database::Open(daemon->paths().ledger(), Database::Mode::kReadWriteCreate);
    REQUIRE(ledger);
    REQUIRE(ledger->Execute("UPDATE session_closing SET why = 'daemon-stopped'"));
    CHECK_THAT(Start(), Catch::StartsWith("error: ") && Catch::Contains("does not match"));
  }
  SECTION("the key is the same") {
    const Verification before = Verify();
    CHECK(Start() == "ready");
    daemon->CloseSession(daemon->OpenSession({"b.example.org:443"}));
    CHECK(daemon->Stop().status == 0);
    const Verification after = Verify();
    CHECK(after.findings.empty());
    CHECK(after.unkeyed == 0);
    CHECK(after.seals > before.seals);
  }
}

TEST_CASE("A key that a ledger is given later seals at once that it was") {
  KeyTest test("");
  test.WriteKey(kKey);
  const uint64_t unkeyed = test.Verify().seals;
  CHECK(test.Start() == "ready");
  CHECK(test.daemon->Number("SELECT count(*) FROM notices WHERE kind = 'keyed'") == 1);
  const Verification verified = test.Verify();
  CHECK(verified.findings.empty());
  CHECK(verified.unkeyed == unkeyed);
  CHECK(verified.seals == unkeyed + 1);
}

TEST_CASE("A key that others may read is refused by the daemon") {
  KeyTest test;
  chmod(test.daemon->paths().ledger_key().c_str(), 0644);
  CHECK_THAT(test.Start(), Catch::StartsWith("error: ") && Catch::Contains("chmod 600"));
}

}  // namespace
}  // namespace namegate::testing
