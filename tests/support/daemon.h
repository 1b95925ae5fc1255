#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/control_protocol.h"
#include "common/endpoint.h"
#include "common/sqlite.h"
#include "common/state_paths.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace namegate::testing {

// A session of a Daemon, open until it is closed or the daemon ends.
struct TestSession {
  int64_t id = 0;
  Endpoint nameserver;
  std::string gate_socket;
  std::string relay_socket;  // of an enclave
};

struct DaemonOptions {
  std::vector<Endpoint> upstreams;
  std::string config;                  // text of namegate.toml behind "version = 1"
  std::vector<std::string> arguments;  // further ones
  std::map<std::string, std::string> environment = {};  // added to the test's own
  std::string program = "namegated";                    // of this build
  std::string state_dir = {};                           // empty: one of its own
};

// A real namegated of this build in a state directory of its own. Killed, if it still runs, when
// the object goes.
class Daemon {
 public:
  // Starts it and waits until it is ready or has given up.
  explicit Daemon(DaemonOptions options);
  explicit Daemon(const Endpoint& upstream) : Daemon(DaemonOptions{{upstream}, "", {}}) {}

  // What it wrote to --ready-fd: "ready" or "error: …", empty if it ended without a word.
  const std::string& readiness() const { return readiness_; }
  const StatePaths& paths() const { return paths_; }
  Process& process() { return *process_; }

  // Opens a session by `request`, the members of session.open; an address for it to listen on is
  // chosen if it names none. A refusal throws.
  TestSession OpenSessionBy(nlohmann::json request);
  // The same with these rules, whose names may not be answered with private addresses.
  TestSession OpenSession(const std::vector<std::string>& allow);
  // The same; they may.
  TestSession OpenPrivateSession(const std::vector<std::string>& allow);
  void CloseSession(const TestSession& session);
  ControlClient& control();
  // The member `name` of the daemon's status.
  int64_t Status(const std::string& name);
  // Asks for the status until its member is `value`; false if that never came.
  bool WaitForStatus(const std::string& name, int64_t value);

  // SIGTERM, and how it ended.
  Outcome Stop();
  // SIGKILL: no warning, no tidying up.
  void Kill();
  // Starts it again on the same state directory, after Stop() or Kill().
  void Start();
  // The same without waiting until it is ready.
  void Launch();

  // The rows of a query on the ledger, columns joined by '|', NULL as "-".
  std::vector<std::string> Rows(const std::string& sql) const;
  // The only value of a query on the ledger.
  int64_t Number(const std::string& sql) const;

 private:
  TempDir directory_;
  DaemonOptions options_;
  StatePaths paths_;
  UniqueFd ready_;
  std::string readiness_;
  std::unique_ptr<Process> process_;
  std::optional<ControlClient> control_;
};

// A loopback address for a test's listener, unlike that of another test with great likelihood:
// a random address of 127.0.0.0/8 with a random port, which needs no privilege.
std::string RandomLoopback();

}  // namespace namegate::testing
