#pragma once

#include <functional>
#include <string>

#include "tests/crash/ledger_comparison.h"
#include "tests/support/daemon.h"

namespace namegate::testing {

struct CrashOptions {
  int kills = 6;
  std::string program = "namegated";
  std::string config = "";  // behind what the load needs
  std::map<std::string, std::string> environment = {};
  // Between the daemon's death and its next start.
  std::function<void(const StatePaths&)> after_death = [](const StatePaths&) {};
  // A daemon that is made to lose what it said is not asked whether it still knows its sessions;
  // the run ends with the first loss.
  bool expect_loss = false;
};

// What came of it.
struct CrashReport {
  int kills = 0;
  int kills_while_starting = 0;
  Tally responses;
  Tally verdicts;
  size_t relayed = 0;    // of the verdicts, those that an enclave's relay was given
  size_t forgotten = 0;  // answers of a daemon that did not know its session or its lease any more
  std::vector<std::string> complaints;  // sessions and seals that are not as they must be

  bool lost() const { return responses.missing + verdicts.missing > 0; }
  std::string ToText() const;
};

// Puts sessions of a real daemon under load, kills it (SIGKILL) at random moments, sometimes while
// it starts, starts it again, and holds what clients and gates saw against the ledger each time.
CrashReport RunCrashes(const CrashOptions& options);

}  // namespace namegate::testing
