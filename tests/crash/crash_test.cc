// Order: a row is committed, then what it records happens. A daemon under load that is killed at
// any moment has lost nothing that anybody saw. `make crash` kills it many times more often.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "tests/crash/crash_run.h"
#include "tests/crash/faults.h"
#include "tests/crash/power_cut.h"

namespace namegate::testing {
namespace {

// NAMEGATE_CRASH_LEDGERS: how many ledgers are begun and put through it, one after the other.
int Ledgers() {
  const char* set = std::getenv("NAMEGATE_CRASH_LEDGERS");
  return set != nullptr ? std::atoi(set) : 0;
}

// A short run by default; a long one, with a line for each ledger, for `make crash`.
void MustLoseNothing(const std::string& what, CrashOptions options) {
  const int ledgers = Ledgers();
  if (ledgers > 0) options.kills = 25;
  for (int i = 0; i < std::max(ledgers, 1); ++i) {
    const CrashReport report = RunCrashes(options);
    if (ledgers > 0) std::cout << what << ": " << report.ToText() << std::flush;
    INFO(report.ToText());
    CHECK(report.kills == options.kills);
    CHECK(report.responses.complete());
    CHECK(report.verdicts.complete());
    CHECK(report.relayed > 0);
    CHECK(report.forgotten == 0);
    CHECK(report.complaints.empty());
  }
}

TEST_CASE("Killed under load again and again, the daemon has recorded all that anybody saw, once") {
  MustLoseNothing("killed", {});
}

TEST_CASE("A daemon that sends before it commits is caught losing rows") {
  const CrashReport report =
      RunCrashes({.kills = 50, .program = "namegated_sends_first", .expect_loss = true});
  if (Ledgers() > 0) std::cout << "sends first: " << report.ToText() << std::flush;
  INFO(report.ToText());
  CHECK(report.lost());
}

// Options of a run that ends each life of the daemon with a power cut.
CrashOptions PowerCuts(const TempDir& directory, const std::string& durability) {
  const std::string path = directory.File("faults");
  MapFaults(path)->track_power = true;
  CrashOptions options;
  options.program = "namegated_faulty";
  options.config = "durability = \"" + durability + "\"\n";
  options.environment = {{kFaultsVariable, path}};
  options.after_death = [](const StatePaths& paths) { CutPower(paths.ledger()); };
  return options;
}

TEST_CASE("With durability = \"power\" a power cut at any moment loses nothing that anybody saw") {
  const TempDir directory;
  MustLoseNothing("power cut", PowerCuts(directory, "power"));
}

TEST_CASE("With durability = \"process\" a power cut loses rows, but leaves the ledger sound") {
  const TempDir directory;
  CrashOptions options = PowerCuts(directory, "process");
  options.kills = 50;
  options.expect_loss = true;
  const CrashReport report = RunCrashes(options);
  if (Ledgers() > 0) std::cout << "power cut, process: " << report.ToText() << std::flush;
  INFO(report.ToText());
  CHECK(report.lost());
  CHECK(report.complaints.empty());
}

}  // namespace
}  // namespace namegate::testing
