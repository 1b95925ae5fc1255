// A ledger that cannot be written: nothing is answered and nothing connects, users are told, and
// when it can be written again all goes on by itself.

#include <catch2/catch.hpp>
#include <csignal>

#include "tests/crash/faulty_daemon.h"
#include "tests/support/dns_client.h"
#include "tests/support/small_disk.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

size_t Occurrences(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++count;
  return count;
}

// Nothing gets through, and everybody is told.
void MustRefuse(FaultyDaemon& faulty) {
  const int64_t rows = faulty.daemon().Number("SELECT count(*) FROM query");
  CHECK(faulty.Answer("a.example.org") == "SERVFAIL 14");
  CHECK(faulty.Connect("192.0.2.7") == "ledger-unavailable");
  CHECK(faulty.Answer("b.example.org") == "SERVFAIL 14");
  const Outcome status = faulty.Status();
  CHECK(status.status == 1);
  CHECK_THAT(status.out, Catch::Contains("TROUBLE: nothing is answered or connected"));
  CHECK(faulty.daemon().Number("SELECT count(*) FROM query") == rows);
}

void MustServe(FaultyDaemon& faulty) {
  CHECK(faulty.Answer("a.example.org") == "NOERROR");
  CHECK(faulty.Connect("192.0.2.7") == "allow");
  CHECK(faulty.Status().status == 0);
  CHECK(faulty.Findings().empty());
}

TEST_CASE("On a disk that fails nothing is answered or let through; when it works again, it is") {
  const auto fault =
      GENERATE(Fault::kFull, Fault::kQuota, Fault::kReadOnly, Fault::kIoError, Fault::kSync);
  FaultyDaemon faulty(fault == Fault::kSync ? "durability = \"power\"\n" : "");
  MustServe(faulty);
  faulty.faults().fault = fault;
  MustRefuse(faulty);
  faulty.faults().fault = Fault::kNone;
  MustServe(faulty);
  const Outcome outcome = faulty.daemon().Stop();
  CHECK(outcome.status == 0);
  // Once a minute, however often it is tried.
  CHECK(Occurrences(outcome.err, "the ledger cannot be written") == 1);
}

TEST_CASE("An auditor who holds a write lock by mistake stops everything until it is let go") {
  FaultyDaemon faulty;
  MustServe(faulty);
  {
    auto auditor =
        Database::Open(faulty.daemon().paths().ledger(), Database::Mode::kReadWriteCreate);
    REQUIRE(auditor);
    REQUIRE(auditor->Execute("BEGIN IMMEDIATE"));
    MustRefuse(faulty);
  }
  MustServe(faulty);
}

TEST_CASE("A daemon that starts while somebody holds a write lock says so") {
  FaultyDaemon faulty;
  faulty.daemon().Kill();
  auto auditor = Database::Open(faulty.daemon().paths().ledger(), Database::Mode::kReadWriteCreate);
  REQUIRE(auditor);
  REQUIRE(auditor->Execute("BEGIN IMMEDIATE"));
  faulty.daemon().Start();
  CHECK_THAT(faulty.daemon().readiness(),
             Catch::StartsWith("error: ") && Catch::Contains("another program"));
  REQUIRE(auditor->Execute("ROLLBACK"));
  faulty.daemon().Start();
  CHECK(faulty.daemon().readiness() == "ready");
  MustServe(faulty);
}

TEST_CASE("An auditor in a long read transaction holds nobody up, across kill -9 and restart too") {
  FaultyDaemon faulty;
  MustServe(faulty);
  auto auditor = Database::Open(faulty.daemon().paths().ledger(), Database::Mode::kReadOnly);
  REQUIRE(auditor);
  REQUIRE(auditor->Execute("BEGIN"));
  const int64_t seen = auditor->QueryInteger("SELECT count(*) FROM query").value();
  MustServe(faulty);
  faulty.daemon().Kill();
  faulty.daemon().Start();
  REQUIRE(faulty.daemon().readiness() == "ready");
  MustServe(faulty);
  CHECK(auditor->QueryInteger("SELECT count(*) FROM query").value() == seen);
  CHECK(faulty.daemon().Stop().status == 0);
  CHECK(faulty.daemon().Number("SELECT count(*) FROM query") == seen + 2);
}

TEST_CASE("A clock that jumps back: rows keep their order, seals verify, leases hold") {
  FaultyDaemon faulty;
  MustServe(faulty);
  faulty.faults().clock_offset_s = -7200;
  CHECK(faulty.Connect("192.0.2.7") == "allow");
  MustServe(faulty);
  CHECK(faulty.Findings().empty());
  Daemon& daemon = faulty.daemon();
  CHECK(daemon.Number("SELECT count(*) FROM query AS earlier JOIN query AS later"
                      " ON later.query_id = earlier.query_id + 1"
                      " WHERE later.time_us < earlier.time_us") == 1);
  CHECK(daemon.Number("SELECT count(*) FROM seal AS earlier JOIN seal AS later"
                      " ON later.seal_id = earlier.seal_id + 1"
                      " WHERE later.time_us < earlier.time_us") == 0);
  // Of leases from the future nobody knows when they end: the name has to be resolved again.
  daemon.Kill();
  faulty.faults().clock_offset_s = -14'400;
  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  CHECK(faulty.Connect("192.0.2.7") == "no-lease");
  MustServe(faulty);
}

TEST_CASE("A lease that was used comes back as long as its use extended it, others as answered") {
  FaultyDaemon faulty;  // max(TTL 60 s, 60 s) + 30 s from the answer; 90 s from each use
  REQUIRE(faulty.Answer("a.example.org") == "NOERROR");
  REQUIRE(faulty.Answer("b.example.org") == "NOERROR");
  faulty.faults().clock_offset_s = 80;
  CHECK(faulty.Connect("192.0.2.7") == "allow");
  faulty.daemon().Kill();
  faulty.faults().clock_offset_s = 100;
  faulty.daemon().Start();
  REQUIRE(faulty.daemon().readiness() == "ready");
  CHECK(faulty.Connect("192.0.2.7") == "allow");
  CHECK(faulty.Connect("192.0.2.8") == "no-lease");
  CHECK(faulty.daemon().Rows("SELECT query_id, name FROM connections WHERE verdict = 'allow'") ==
        Texts{"1|a.example.org", "1|a.example.org"});
}

TEST_CASE("On a real full disk a real daemon refuses, and recovers when there is room") {
  const SmallDisk disk;
  const Authority authority(kExampleRecords);
  Daemon daemon({{authority.endpoint()}, "", {}, {}, "namegated", disk.path() + "/state"});
  REQUIRE(daemon.readiness() == "ready");
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  disk.Fill();
  std::string rcode;
  for (int i = 0; i < 3000 && rcode != "SERVFAIL"; ++i) {
    rcode = Ask(session.nameserver, "n" + std::to_string(i) + ".example.net").rcode;
  }
  CHECK(rcode == "SERVFAIL");
  disk.MakeRoom();
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  CHECK(daemon.Stop().status == 0);
}

TEST_CASE("On a read-only file system the daemon does not start, and says why") {
  const SmallDisk disk;
  const Authority authority("");
  Daemon daemon({{authority.endpoint()}, "", {}, {}, "namegated", disk.path() + "/state"});
  REQUIRE(daemon.readiness() == "ready");
  CHECK(daemon.Stop().status == 0);
  REQUIRE(disk.SetReadOnly(true));
  daemon.Start();
  CHECK_THAT(daemon.readiness(),
             Catch::StartsWith("error: ") && Catch::Contains("Read-only file system"));
  REQUIRE(disk.SetReadOnly(false));
  daemon.Start();
  CHECK(daemon.readiness() == "ready");
}

}  // namespace
}  // namespace namegate::testing
