// The preload gate inside the enclave: programs that load it are told why, and one attempt is one
// row. What is put in place for it, and what is hidden, stays so.

#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <optional>
#include <thread>

#include "common/control_protocol.h"
#include "common/sqlite.h"
#include "common/state_paths.h"
#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

TEST_CASE_METHOD(EnclaveFixture, "A program that asks is told why, and its attempt is one row") {
  const TcpServer server(kHost, Echo);
  Words words = RunWords({std::string(kHost) + ":" + server.port_text()},
                         {Sandboxee("connect_tcp"), kHost, server.port_text(), kOther, "443"});
  std::erase(words, "--quiet");
  const Outcome outcome = testing::Run(words);
  CHECK_THAT(outcome.out, Contains("connect: OK") && Contains("connect: EACCES"));
  CHECK_THAT(outcome.err,
             Contains("denied tcp 203.0.113.2:443") && Contains("to allow it: 203.0.113.2:443"));
  CHECK(Rows("gate, address, verdict, reason, ended") ==
        "preload|203.0.113.1|allow|rule|closed\npreload|203.0.113.2|deny|no-lease|-\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "What the gate allows goes no further than the wall before it is recorded") {
  const TcpServer server(kHost, Echo);
  const std::string begin = directory().File("begin");
  Process command(
      RunWords({kEverywhere}, {"python3", "-c",
                               "import os, socket, sys, time\n"
                               "print('ready', flush=True)\n"
                               "while not os.path.exists(sys.argv[3]): time.sleep(0.01)\n"
                               "while True:\n"
                               "    try:\n"
                               "        socket.create_connection(sys.argv[1:3]); break\n"
                               "    except OSError as e: print('error', e.errno, flush=True)\n"
                               "print('connected', flush=True)\n",
                               kHost, server.port_text(), begin}));
  REQUIRE(command.WaitForOutput("ready"));
  auto auditor = Database::Open(StatePaths(state_dir()).ledger(), Database::Mode::kReadWriteCreate);
  REQUIRE(auditor);
  REQUIRE(auditor->Execute("BEGIN IMMEDIATE"));
  std::ofstream(begin) << "now";
  CHECK(command.WaitForOutput("error 111"));
  // From then on who explains denials says no.
  CHECK(command.WaitForOutput("error 13"));
  CHECK(server.accepted() == 0);
  REQUIRE(auditor->Execute("ROLLBACK"));
  CHECK(command.WaitForOutput("connected"));
  CHECK(command.Wait().status == 0);
  CHECK(server.accepted() == 1);
  CHECK(Rows("gate, verdict, ended") == "preload|allow|closed\n");
}

TEST_CASE_METHOD(EnclaveFixture, "What was refused and did not ask is recorded as a bypass") {
  const TcpServer server(kHost, Echo);
  Run({std::string(kHost) + ":" + server.port_text()},
      {Sandboxee("enclave_static"), kHost, server.port_text(), kOther, "443"});
  CHECK(Rows("gate, address, verdict, reason, pid > 0") ==
        "enclave|203.0.113.1|allow|rule|1\nenclave|203.0.113.2|deny|bypassed-preload|1\n");
  CHECK(Ask("SELECT remedy FROM denials") == "203.0.113.2:443\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A thousand datagrams to one destination are one row") {
  const UdpEcho echo(kHost);
  const Outcome outcome = Run({std::string(kHost) + ":1-65535/udp"},
                              {"python3", "-c",
                               "import socket, sys\n"
                               "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                               "for i in range(1000):\n"
                               "    s.sendto(b'x', (sys.argv[1], int(sys.argv[2]))); s.recv(9)\n",
                               kHost, echo.port_text()});
  CHECK(outcome.status == 0);
  CHECK(Rows("gate, bytes_out, bytes_in") == "preload|1000|1000\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "Nobody inside can undo what hides Namegate's state, root neither") {
  const std::string control = StatePaths(state_dir()).control_socket();
  const Outcome outcome = Run({}, {"sh", "-c",
                                   "umount " + state_dir() + "; umount /etc/resolv.conf; " +
                                       Sandboxee("enclave_unix") + " " + control});
  CHECK(outcome.out == "connect: ENOENT\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "The gate's own directory offers a program nothing but questions") {
  const Outcome outcome = Run({}, {"sh", "-c",
                                   "rm -f /etc/namegate/session/gate; >/etc/namegate/session/own; "
                                   "ls /etc/namegate /etc/namegate/session"});
  CHECK(outcome.out == "/etc/namegate:\nlibnamegate.so\nsession\n\n/etc/namegate/session:\ngate\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A hidden socket can be exposed by name, which is recorded") {
  const std::string agent = directory().File("agent");
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  agent.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener.get(), 5) == 0);
  Words words = RunWords({}, {Sandboxee("enclave_unix"), agent});
  words.insert(words.begin() + 2, {"--expose", agent});
  const ProcessOptions with_agent = {.environment = {{"SSH_AUTH_SOCK", agent}}, .input = ""};
  CHECK(testing::Run(words, with_agent).out == "connect: OK\n");
  CHECK(Ask("SELECT exposed FROM sessions") == agent + "\n");
  // Without it there is nothing to expose.
  CHECK(testing::Run(words).status == 125);
}

TEST_CASE_METHOD(EnclaveFixture, "A session outlives its daemon, which run starts again") {
  const TcpServer server(kHost, Echo);
  const std::string fifo = directory().File("tell");
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  Process command(RunWords({kEverywhere},
                           {"python3", "-c", kConnectOnDemand, fifo, kHost, server.port_text()}));
  REQUIRE(command.WaitForOutput("ready"));
  const std::string path = StatePaths(state_dir()).control_socket();
  const auto status = [&]() -> std::optional<nlohmann::json> {
    auto control = ControlClient::Connect(path);
    if (!control) return std::nullopt;
    auto response = control->Call({{"command", "status"}});
    if (!response) return std::nullopt;
    return (*response)["status"];
  };
  const auto before = status();
  REQUIRE(before);
  kill((*before)["pid"].get<pid_t>(), SIGKILL);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::optional<nlohmann::json> after;
  while ((!after || (*after)["pid"] == (*before)["pid"]) &&
         std::chrono::steady_clock::now() < deadline) {
    after = status();
    std::this_thread::yield();
  }
  REQUIRE(after);
  CHECK((*after)["pid"] != (*before)["pid"]);
  CHECK((*after)["sessions"] == 1);
  std::ofstream(fifo) << "x";
  CHECK(command.WaitForOutput("connect 0"));
  std::ofstream(fifo) << "";
  CHECK(command.Wait().status == 0);
  CHECK(Ask("SELECT count(*), max(close_reason) FROM sessions") == "1|closed\n");
  CHECK(Rows("verdict, ended") == "allow|closed\n");
}

}  // namespace
}  // namespace namegate::testing
