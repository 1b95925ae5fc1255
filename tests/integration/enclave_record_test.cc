// What the ledger says of connections that an enclave carried: bytes, and how they ended.

#include <signal.h>

#include <catch2/catch.hpp>
#include <future>

#include "common/control_protocol.h"
#include "common/sqlite.h"
#include "common/state_paths.h"
#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"
#include "tests/support/wait.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

constexpr char kEnding[] = "protocol, verdict, bytes_out, bytes_in, ended, closed >= time";

// Sends `count` octets and ends its side; then reads until the client ends its own.
TcpServer::Serve Sends(size_t count) {
  return [count](int connection) {
    const std::string octets(count, 'x');
    for (size_t sent = 0; sent < count;) {
      const ssize_t put = send(connection, octets.data() + sent, count - sent, MSG_NOSIGNAL);
      if (put < 0) return;
      sent += static_cast<size_t>(put);
    }
    shutdown(connection, SHUT_WR);
    std::array<char, 65536> buffer{};
    while (recv(connection, buffer.data(), buffer.size(), 0) > 0) {
    }
  };
}

TEST_CASE_METHOD(EnclaveFixture, "A connection's bytes each way are recorded when it has ended") {
  const TcpServer server(kHost, Sends(300'000));
  const Outcome outcome =
      Run({kEverywhere}, ConnectedPython("s.sendall(b'y' * 200000); s.shutdown(1)\n"
                                         "while s.recv(65536): pass\n"
                                         "s.close()\n",
                                         server.port_text()));
  INFO(outcome.err);
  CHECK(Rows(kEnding) == "tcp|allow|200000|300000|closed|1\n");
}

TEST_CASE_METHOD(EnclaveFixture, "What a command sent just before it ended still arrives") {
  // A server that is slower than the command, which does not wait for it.
  std::atomic<size_t> received = 0;
  std::atomic<bool> whole = false;
  {
    const TcpServer server(kHost, [&](int connection) {
      std::array<char, 4096> buffer{};
      for (ssize_t got; (got = recv(connection, buffer.data(), buffer.size(), 0)) > 0;) {
        received += static_cast<size_t>(got);
      }
      whole = received == 3'000'000;
    });
    Run({kEverywhere}, ConnectedPython("s.sendall(b'y' * 3000000)\n", server.port_text()));
  }
  CHECK(whole);
  CHECK(Rows("bytes_out, bytes_in, ended") == "3000000|0|closed\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A connection that is broken is recorded so, by whichever side") {
  const TcpServer breaks(kHost, Break);
  const TcpServer echo(kHost, Echo);
  Run({kEverywhere}, ConnectedPython("s.sendall(b'y')\n"
                                     "try: s.recv(1)\n"
                                     "except OSError: pass\n",
                                     breaks.port_text()));
  Run({kEverywhere}, ConnectedPython("import struct; s.sendall(b'y'); s.recv(1)\n"
                                     "s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,"
                                     " struct.pack('ii', 1, 0)); s.close()\n",
                                     echo.port_text()));
  CHECK(Rows("bytes_out, bytes_in, ended") == "1|0|reset\n1|1|reset\n");
}

TEST_CASE_METHOD(EnclaveFixture, "What never came to be is recorded with the reason") {
  Run({kEverywhere}, {Sandboxee("connect_tcp"), kHost, ClosedPort(kHost), "198.51.100.1", "443"});
  CHECK(Rows(kEnding) == "tcp|allow|0|0|refused|1\ntcp|allow|0|0|unreachable|1\n");
}

TEST_CASE_METHOD(EnclaveFixture, "The SYN of an open connection, sent again, starts no other") {
  NeedRoot("open a packet socket inside");
  const TcpServer server(kHost, Echo);
  const Outcome outcome = Run(
      {kEverywhere}, {"python3", "-c",
                      "import socket, sys\n"
                      "tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))\n"
                      "tap.bind(('eth0', 0))\n"
                      "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
                      "s.sendall(b'a'); s.recv(9)\n"
                      "frame = b''\n"
                      "while frame[12:14] != b'\\x08\\0' or frame[23] != 6 or frame[47] != 2:\n"
                      "    frame = tap.recv(2000)\n"
                      "for i in range(3): tap.send(frame)\n"
                      "s.sendall(b'b'); print(s.recv(9))\n",
                      kHost, server.port_text()});
  INFO(outcome.err);
  CHECK(outcome.out == "b'b'\n");
  CHECK(Rows("verdict, bytes_out, bytes_in, ended") == "allow|2|2|closed\n");
  CHECK(server.accepted() == 1);
}

TEST_CASE_METHOD(EnclaveFixture, "A denied connection has no ending") {
  Run({}, {Sandboxee("enclave_static"), kHost, "443"});
  CHECK(Rows(kEnding) == "tcp|deny|-|-|-|-\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A flow of datagrams has its bytes, and ends with its session") {
  const UdpEcho echo(kHost);
  Run({std::string(kHost) + ":1-65535/udp"},
      {"python3", "-c",
       "import socket, sys\n"
       "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect((sys.argv[1], "
       "int(sys.argv[2])))\n"
       "for i in range(3): s.send(b'z' * 100); s.recv(200)\n",
       kHost, echo.port_text()});
  CHECK(Rows(kEnding) == "udp|allow|300|300|session-closed|1\n");
}

class WithControl : public EnclaveFixture {
 public:
  nlohmann::json Call(const nlohmann::json& request) const {
    auto control = ControlClient::Connect(StatePaths(state_dir()).control_socket());
    REQUIRE(control.ok());
    auto response = control->Call(request);
    INFO((response ? "" : response.error().message));
    REQUIRE(response.ok());
    return *response;
  }
  // Waits until the only connection has ended.
  std::string Ending() const {
    (void)WaitFor([&] { return Rows("ended") != "-\n"; });
    return Rows("bytes_out, bytes_in, ended");
  }
};

// A command with a connection that stays open.
class WithOpenConnection : public WithControl {
 public:
  WithOpenConnection() : server_(kHost, Echo) {
    command_ = std::make_unique<Process>(RunWords(
        {kEverywhere}, ConnectedPython("s.sendall(b'12345'); s.recv(5)\n"
                                       "print('ready', flush=True)\n"
                                       "try: print('received', s.recv(1), flush=True)\n"
                                       "except OSError as e: print('broken', e.errno, flush=True)\n"
                                       "input()\n",
                                       server_.port_text())));
    REQUIRE(command_->WaitForOutput("ready"));
  }
  ~WithOpenConnection() { command_.reset(); }

  Process& command() { return *command_; }

 private:
  TcpServer server_;
  std::unique_ptr<Process> command_;
};

TEST_CASE_METHOD(WithOpenConnection, "A connection that is open has no ending yet") {
  CHECK(Rows("closed, bytes_out, bytes_in, ended") == "-|-|-|-\n");
}

TEST_CASE_METHOD(WithOpenConnection, "What is open when its session is closed ended with it") {
  Call({{"command", "session.close"}, {"session", 1}});
  CHECK(command().WaitForOutput("broken 104"));
  CHECK(Rows("bytes_out, bytes_in, ended") == "-|-|session-closed\n");
  CHECK(Ask("SELECT count(*) FROM seal WHERE ending_id IS NOT NULL AND closing_id IS NOT NULL") ==
        "1\n");
}

TEST_CASE_METHOD(WithOpenConnection, "What a relay carried that was killed has ended unknown") {
  const pid_t relay = RelayOf(command());
  REQUIRE(relay > 0);
  kill(relay, SIGKILL);
  CHECK(Ending() == "-|-|unknown\n");
}

constexpr char kRelayDied[] = "namegate: the relay ended, and with it the command's network\n";

TEST_CASE_METHOD(WithControl, "A relay's death is told once, while the command goes on") {
  Process command(RunWords({kEverywhere}, {"python3", "-c",
                                           "print('ready', flush=True)\n"
                                           "import signal; signal.pause()\n"}));
  REQUIRE(command.WaitForOutput("ready"));
  const pid_t relay = RelayOf(command);
  REQUIRE(relay > 0);
  kill(relay, SIGKILL);
  CHECK(command.WaitForError(kRelayDied));
  CHECK(command.running());
  command.Signal(SIGTERM);
  const Outcome outcome = command.Wait();
  CHECK(outcome.status == 128 + SIGTERM);  // the command's own
  CHECK(outcome.err == kRelayDied);
}

TEST_CASE_METHOD(WithOpenConnection, "A relay's death is told of a command that ends by it") {
  const pid_t relay = RelayOf(command());
  REQUIRE(relay > 0);
  kill(relay, SIGKILL);
  const Outcome outcome = command().Wait();
  CHECK_THAT(outcome.err, Catch::Contains(kRelayDied));
}

TEST_CASE_METHOD(WithOpenConnection, "A connection that the policy allows no more is ended") {
  Call({{"command", "session.update"}, {"session", 1}, {"remove", Words{kEverywhere}}});
  CHECK(command().WaitForOutput("broken 104"));
  CHECK(Ending() == "5|5|policy-changed\n");
  CHECK(Ask("SELECT policy_now FROM sessions") == "\n");
}

TEST_CASE_METHOD(WithOpenConnection, "A connection that the policy still allows goes on") {
  Call({{"command", "session.update"}, {"session", 1}, {"allow", Words{"other.example:443"}}});
  CHECK(Rows("ended") == "-\n");
  kill(command().pid(), SIGTERM);
  command().Wait();
  CHECK(Rows("bytes_out, bytes_in, ended") == "5|5|closed\n");
}

TEST_CASE_METHOD(WithControl,
                 "What ended while the ledger could not be written is recorded when it can be") {
  std::promise<void> promise;
  const TcpServer server(kHost, [told = promise.get_future().share()](int connection) {
    told.wait();
    Break(connection);
  });
  std::promise<void> tell(std::move(promise));  // goes before the server, should the test fail
  Process command(
      RunWords({kEverywhere}, ConnectedPython("s.sendall(b'12345'); print('ready', flush=True)\n"
                                              "try: s.recv(1)\n"
                                              "except OSError: print('broken', flush=True)\n"
                                              "signal.pause()\n",
                                              server.port_text())));
  REQUIRE(command.WaitForOutput("ready"));
  auto auditor = Database::Open(StatePaths(state_dir()).ledger(), Database::Mode::kReadWriteCreate);
  REQUIRE(auditor);
  REQUIRE(auditor->Execute("BEGIN IMMEDIATE"));
  tell.set_value();
  REQUIRE(command.WaitForOutput("broken"));
  (void)WaitFor([&] { return Call({{"command", "status"}})["status"]["ledger_ok"] != true; });
  REQUIRE(auditor->Execute("ROLLBACK"));
  CHECK(Ending() == "5|0|reset\n");
}

}  // namespace
}  // namespace namegate::testing
