// What dies, and what the command then sees.

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <future>

#include "common/control_protocol.h"
#include "common/state_paths.h"
#include "gate/enclave/enclave.h"
#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"
#include "tests/support/wait.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

// The children of a process.
std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::ifstream file("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                     "/children");
  std::vector<pid_t> children;
  for (pid_t child; file >> child;) children.push_back(child);
  return children;
}

class OnDemand {
 public:
  // `starter` is in front of the program's own words.
  OnDemand(const EnclaveFixture& fixture, const TcpServer& server, const std::string& name = "tell",
           const Words& starter = {})
      : fifo_(fixture.directory().File(name)) {
    REQUIRE(mkfifo(fifo_.c_str(), 0600) == 0);
    process_ = std::make_unique<Process>(fixture.RunWords(
        {kEverywhere},
        starter + Words{"python3", "-c", kConnectOnDemand, fifo_, kHost, server.port_text()}));
    REQUIRE(process_->WaitForOutput("ready"));
  }
  // Nothing ends it.
  void Tell(const std::string& text) const { std::ofstream(fifo_) << text; }
  Process& process() { return *process_; }

 private:
  std::string fifo_;
  std::unique_ptr<Process> process_;
};

// Starts what follows in the background, and waits for it.
const Words kInBackground = {"sh", "-c", "setsid \"$@\" & wait", "sh"};

constexpr char kReadToTheEnd[] =
    "import socket, sys\n"
    "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
    "print('ready', flush=True)\n"
    "try: print('received', s.recv(1))\n"
    "except OSError as e: print('broken', e.errno)\n";

TEST_CASE_METHOD(EnclaveFixture,
                 "When the relay is killed the network is gone, at once and for good") {
  const TcpServer server(kHost, Echo);
  OnDemand command(*this, server);
  command.Tell("x");
  REQUIRE(command.process().WaitForOutput("connect 0"));
  const std::vector<pid_t> children = ChildrenOf(command.process().pid());
  REQUIRE(children.size() == 2);  // the relay was started first
  kill(children.front(), SIGKILL);
  command.Tell("gone");
  CHECK(command.process().WaitForOutput("connect 101"));
  CHECK(server.accepted() == 1);
}

TEST_CASE_METHOD(EnclaveFixture,
                 "When the relay is killed what was open is broken, on both sides") {
  std::promise<std::string> seen;
  const TcpServer server(kHost, [&](int connection) {
    char octets[9];
    ssize_t got = 0;
    while ((got = recv(connection, octets, sizeof octets, 0)) > 0) {
    }
    seen.set_value(got == 0 ? "ended" : strerrorname_np(errno));
  });
  Process command(
      RunWords({kEverywhere}, {"python3", "-c", kReadToTheEnd, kHost, server.port_text()}));
  REQUIRE(command.WaitForOutput("ready"));
  kill(ChildrenOf(command.pid()).front(), SIGKILL);
  CHECK(command.WaitForOutput("broken 104"));
  CHECK(seen.get_future().get() == "ECONNRESET");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "When namegate is killed what it ran has no network, and others have theirs") {
  const TcpServer server(kHost, Echo);
  OnDemand other(*this, server, "other");
  {
    OnDemand command(*this, server, "tell", kInBackground);
    command.Tell("x");
    REQUIRE(command.process().WaitForOutput("connect 0"));
    kill(command.process().pid(), SIGKILL);
    command.Tell("gone");
    CHECK(command.process().WaitForOutput("connect 101"));
    command.Tell("");
  }
  other.Tell("x");
  CHECK(other.process().WaitForOutput("connect 0"));
  CHECK(Run({kEverywhere}, {Sandboxee("enclave_static"), kHost, server.port_text()}).out ==
        "connect: OK\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "What a command leaves behind has no network, and holds nobody up") {
  const TcpServer server(kHost, Echo);
  const std::string fifo = directory().File("left");
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  // The shell ends at once, and with it the run.
  const Outcome outcome = Run(
      {kEverywhere}, Words{"sh", "-c", "setsid \"$@\" >\"$4.out\" 2>&1 & exit 7", "sh"} +
                         Words{"python3", "-c", kConnectOnDemand, fifo, kHost, server.port_text()});
  CHECK(outcome.status == 7);
  std::ofstream(fifo) << "gone";  // waits until it is there
  std::ofstream(fifo) << "";
  const std::string out = fifo + ".out";
  Process reader({"sh", "-c", "until grep connect \"$0\"; do :; done", out});
  CHECK(reader.WaitForOutput("connect 101"));
  CHECK(server.accepted() == 0);
}

// Kills what it may of Namegate's processes that have the text of the first argument in their
// command lines, waits until the device is gone, and connects.
constexpr char kKillThemAll[] =
    "import os, signal, socket, sys\n"
    "killed = 0\n"
    "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
    "    try:\n"
    "        words = open(f'/proc/{pid}/cmdline').read().split('\\0')\n"
    "        if 'namegate' not in os.path.basename(words[0]) or sys.argv[1] not in words: "
    "continue\n"
    "        os.kill(int(pid), signal.SIGKILL); killed += 1\n"
    "    except OSError: pass\n"
    "while len(socket.if_nameindex()) > 1: pass\n"
    "print('killed', killed > 0, 'connect', socket.socket().connect_ex((sys.argv[2], "
    "int(sys.argv[3]))))\n";

TEST_CASE_METHOD(EnclaveFixture,
                 "A command that kills all it can of Namegate is left without a network") {
  const TcpServer server(kHost, Echo);
  Process command(
      RunWords({kEverywhere}, kInBackground + Words{"python3", "-c", kKillThemAll, state_dir(),
                                                    kHost, server.port_text()}));
  // The launcher, its relay, and the daemon that it has started; the first takes others along.
  CHECK(command.WaitForOutput("killed True connect 101"));
  CHECK(server.accepted() == 0);
}

TEST_CASE("A command that was killed before it met the relay holds nobody up") {
  const TempDir directory;
  auto enclave =
      enclave::Enclave::Start({*Endpoint::FromText("127.0.0.1:53"), directory.File("relay")});
  if (!enclave) Skip(enclave.error().message);
  enclave->Settle();
  CHECK_FALSE(enclave->relay_ended());  // it has not failed
}

TEST_CASE_METHOD(EnclaveFixture, "Closing the session ends its connections") {
  const TcpServer server(kHost, Echo);
  Process command(
      RunWords({kEverywhere}, {"python3", "-c", kReadToTheEnd, kHost, server.port_text()}));
  REQUIRE(command.WaitForOutput("ready"));
  auto control = ControlClient::Connect(StatePaths(state_dir()).control_socket());
  REQUIRE(control.ok());
  REQUIRE(control->Call({{"command", "session.close"}, {"session", 1}}).ok());
  CHECK(command.WaitForOutput("broken 104"));
}

TEST_CASE_METHOD(EnclaveFixture,
                 "While the daemon is dead every new connection is refused at once") {
  const TcpServer server(kHost, Echo);
  // Started by hand, so that `run` waits for it and starts none itself.
  const Words run = RunWords({}, {});
  const auto upstream = std::ranges::find(run, "--upstream") + 1;
  Process daemon({BuildPath("bin/namegated"), "--state-dir", state_dir(), "--upstream", *upstream});
  REQUIRE(daemon.WaitForError("serves"));
  OnDemand command(*this, server);
  daemon.Signal(SIGKILL);
  daemon.Wait();
  command.Tell("x");
  CHECK(command.process().WaitForOutput("connect 111"));
  CHECK(server.accepted() == 0);
}

TEST_CASE_METHOD(EnclaveFixture,
                 "What was denied before the daemon was killed is told at the end") {
  Words words = RunWords({}, {"python3", "-c",
                              "import signal, socket, sys\n"
                              "socket.socket().connect_ex((sys.argv[1], 443))\n"
                              "print('ready', flush=True)\n"
                              "signal.pause()\n",
                              kOther});
  std::erase(words, "--quiet");
  Process command(words);
  REQUIRE(command.WaitForOutput("ready"));
  const pid_t killed = DaemonOf();
  REQUIRE(killed > 0);
  kill(killed, SIGKILL);
  // `run` starts the next one.
  REQUIRE(WaitFor([&] { return DaemonOf() > 0 && DaemonOf() != killed; }));
  command.Signal(SIGTERM);
  const Outcome outcome = command.Wait();
  CHECK(outcome.status == 128 + SIGTERM);
  CHECK_THAT(outcome.err, Contains("--allow 203.0.113.2:443"));
}

}  // namespace
}  // namespace namegate::testing
