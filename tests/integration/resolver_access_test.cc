// Who may touch what, and what the daemon can do with when it runs as a user of its own.

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

// The rights of a file or directory, in octal digits.
std::string Mode(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return "not there";
  std::string digits;
  for (const int shift : {6, 3, 0}) digits += std::to_string((status.st_mode >> shift) & 7U);
  return digits;
}

// The value of a line of /proc/PID/status.
std::string ProcessStatus(pid_t pid, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; file >> word;) {
    if (word != key + ":") continue;
    file >> word;
    return word;
  }
  return "";
}

TEST_CASE("What the daemon makes is the operator's, but for the gates' sockets") {
  const mode_t previous = umask(0);  // whatever it inherits
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  umask(previous);
  const TestSession session = daemon.OpenSession(Texts{"a.example.org:443"});
  const StatePaths& paths = daemon.paths();
  CHECK(Mode(paths.directory()) == "711");
  CHECK(Mode(paths.gate_directory()) == "711");
  CHECK(Mode(session.gate_socket) == "666");
  CHECK(Mode(paths.control_socket()) == "600");
  CHECK(Mode(paths.lock()) == "600");
  for (const char* further : {"", "-wal", "-shm"}) {
    INFO(further);
    CHECK(Mode(paths.ledger() + further) == "600");
  }
}

TEST_CASE("As a user of its own the daemon needs no capability but the port's") {
  constexpr uid_t kNobody = 65'534;
  NeedRoot("become another user");
  NeedPrograms({"setpriv"});
  const TempDir directory;
  REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
  const std::string state = directory.File("state");
  REQUIRE(mkdir(state.c_str(), 0700) == 0);
  REQUIRE(chown(state.c_str(), kNobody, kNobody) == 0);
  const std::string port = "+net_bind_service";
  Process daemon({"setpriv", "--reuid", std::to_string(kNobody), "--regid", std::to_string(kNobody),
                  "--clear-groups", "--no-new-privs", "--bounding-set", "-all," + port,
                  "--inh-caps", "-all," + port, "--ambient-caps", "-all," + port,
                  BuildPath("bin/namegated"), "--state-dir", state, "--upstream", "127.0.0.1:9"});
  if (!daemon.WaitForError("serves")) {
    Skip("the build cannot be run by another user: " + daemon.error());
  }
  CHECK(ProcessStatus(daemon.pid(), "Uid") == std::to_string(kNobody));
  CHECK(ProcessStatus(daemon.pid(), "CapEff") == "0000000000000400");
  CHECK(ProcessStatus(daemon.pid(), "CapBnd") == "0000000000000400");
  // The port that takes the capability, at an address that no other test has.
  auto control = ControlClient::Connect(StatePaths(state).control_socket());
  REQUIRE(control);
  std::string listen = RandomLoopback();
  listen = listen.substr(0, listen.find(':')) + ":53";
  const auto opened = control->Call(
      {{"command", "session.open"}, {"allow", {"a.example.org:443"}}, {"listen", listen}});
  INFO((opened ? "" : opened.error().message));
  REQUIRE(opened);
  CHECK(Ask(Endpoint::FromText(listen).value(), "b.example.org").rcode == "NXDOMAIN");
  daemon.Signal(SIGTERM);
  CHECK(daemon.Wait().status == 0);
}

}  // namespace
}  // namespace namegate::testing
