#pragma once

#include <string>

#include "tests/crash/faults.h"
#include "tests/support/authority.h"
#include "tests/support/daemon.h"

namespace namegate::testing {

// A daemon whose disk and clock obey the test, with one session that may reach a.example.org and
// b.example.org.
class FaultyDaemon {
 public:
  explicit FaultyDaemon(const std::string& config = "");

  FaultPage& faults() { return *faults_; }
  Daemon& daemon() { return daemon_; }
  const TestSession& session() const { return session_; }

  // "NOERROR", "SERVFAIL 14", …: what a client is told about `name`.
  std::string Answer(const std::string& name);
  // "allow", or the code of the reason of a denial.
  std::string Connect(const std::string& address);
  // `namegate status`: how it ended, and what it said.
  Outcome Status() const;
  // What the seals of the ledger tell; empty if nothing is wrong with it.
  std::vector<std::string> Findings() const;

 private:
  TempDir directory_;
  FaultPage* const faults_;
  Authority authority_;
  Daemon daemon_;
  TestSession session_;
};

}  // namespace namegate::testing
