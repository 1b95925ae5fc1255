// Datagrams through the gateway: errors, fragments, many ports, limits.

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/wait.h"

namespace namegate::testing {
namespace {

const std::string kAnyUdp = std::string(kHost) + ":1-65535/udp";

TEST_CASE_METHOD(EnclaveFixture, "The relay rests after datagrams that a closed port refused") {
  Process command(
      RunWords({kAnyUdp}, {"python3", "-c",
                           "import signal, socket, sys\n"
                           "def refused(count):\n"
                           "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                           "    s.settimeout(20); s.connect((sys.argv[1], int(sys.argv[2])))\n"
                           "    try:\n"
                           "        for i in range(count): s.send(b'x')\n"
                           "        s.recv(9)\n"
                           "    except ConnectionRefusedError: print('refused', flush=True)\n"
                           // The port is served then, and of two that wait for their verdict the
                           // second is told of the first one's error.
                           "refused(1)\n"
                           "refused(2)\n"
                           "signal.pause()\n",
                           kHost, "9"}));
  REQUIRE(command.WaitForOutput("refused\nrefused"));
  CHECK(ComesToRest(RelayOf(command)));
}

TEST_CASE_METHOD(EnclaveFixture, "A burst of datagrams to a new port arrives whole, and once") {
  const UdpEcho echo(kHost);
  const Outcome outcome =
      Run({kAnyUdp}, {"python3", "-c",
                      "import socket, sys\n"
                      "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                      "s.settimeout(20); s.connect((sys.argv[1], int(sys.argv[2])))\n"
                      "for i in range(10): s.send(b'%d' % i)\n"
                      "got = [s.recv(9) for i in range(10)]\n"
                      "s.send(b'last'); print(b''.join(sorted(got)), s.recv(9))\n",
                      kHost, echo.port_text()});
  INFO(outcome.err);
  CHECK(outcome.out == "b'0123456789' b'last'\n");
}

// Sends datagrams of 4,000 octets, in fragments, until something comes back.
Words SendLarge(const char* host, const std::string& port) {
  return {"python3", "-c",
          "import socket, sys\n"
          "family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET\n"
          "s = socket.socket(family, socket.SOCK_DGRAM)\n"
          "s.settimeout(1); s.connect((sys.argv[1], int(sys.argv[2])))\n"
          "for i in range(10):\n"
          "    try: s.send(b'x' * 4000); print('received', len(s.recv(9000))); break\n"
          "    except TimeoutError: pass\n"
          "    except ConnectionRefusedError: print('refused'); break\n",
          host, port};
}

TEST_CASE_METHOD(EnclaveFixture,
                 "A datagram in fragments opens its port, so that the next arrives") {
  const UdpEcho v4(kHost);
  const UdpEcho v6(kHost6);
  const Words allow = {kAnyUdp, std::string("[") + kHost6 + "]:1-65535/udp"};
  CHECK(Run(allow, SendLarge(kHost, v4.port_text())).out == "received 4000\n");
  CHECK(Run(allow, SendLarge(kHost6, v6.port_text())).out == "received 4000\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "A datagram in fragments that no rule allows is refused, in a row") {
  for (const char* host : {kOther, kHost6}) {
    const Outcome outcome = Run({}, {Sandboxee("enclave_large"), host, "5555"});
    CHECK(outcome.out == "recv: ECONNREFUSED\n");
  }
  CHECK(Rows("protocol, address, port, verdict") ==
        "udp|203.0.113.2|5555|deny\nudp|2001:db8:1::1|5555|deny\n");
}

TEST_CASE_METHOD(EnclaveFixture, "Answers from more ports than are served at a time all arrive") {
  const std::string ports = directory().File("ports");
  // Answers when all were asked, so that the first ones have made room for the last.
  const Process server(
      {"python3", "-c",
       "import signal, socket, sys\n"
       "all = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(300)]\n"
       "for s in all: s.bind((sys.argv[1], 0))\n"
       "print(*[s.getsockname()[1] for s in all], file=open(sys.argv[2], 'w'))\n"
       "for s, to in [(s, s.recvfrom(9)[1]) for s in all]: s.sendto(b'late', to)\n"
       "signal.pause()\n",
       kHost, ports});
  const Outcome outcome =
      Run({kAnyUdp}, {"python3", "-c",
                      "import socket, sys\n"
                      "ports = []\n"
                      "while len(ports) < 300:\n"
                      "    try: ports = open(sys.argv[2]).read().split()\n"
                      "    except FileNotFoundError: pass\n"
                      "all = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for port in ports]\n"
                      "for s, port in zip(all, ports): s.sendto(b'x', (sys.argv[1], int(port)))\n"
                      "for s in all: s.settimeout(10)\n"
                      "print(sum(s.recv(9) == b'late' for s in all))\n",
                      kHost, ports});
  INFO(outcome.err);
  CHECK(outcome.out == "300\n");
}

// A clock for the programs of a test, which stands still until it is put ahead
// (tests/support/clock_ahead.cc).
class ClockAhead {
 public:
  explicit ClockAhead(std::string file) : file_(std::move(file)) { Set(std::chrono::seconds(0)); }

  Words Environment() const {
    return {"env", "LD_PRELOAD=" + BuildPath("lib/libclock_ahead.so"), "CLOCK_AHEAD=" + file_};
  }
  void Set(std::chrono::seconds ahead) const {
    const int64_t seconds = ahead.count();
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    if (!file) file.open(file_, std::ios::out | std::ios::binary);
    file.write(reinterpret_cast<const char*>(&seconds), sizeof seconds);
  }

 private:
  std::string file_;
};

size_t SocketsOf(pid_t process) {
  size_t sockets = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd")) {
    std::error_code gone;
    if (read_symlink(entry.path(), gone).string().starts_with("socket:")) ++sockets;
  }
  return sockets;
}

TEST_CASE_METHOD(EnclaveFixture, "How long a flow may be silent depends on what it was") {
  const UdpEcho echo(kHost);
  Process silent(
      {"python3", "-c",
       "import signal, socket, sys\n"
       "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 7777))\n"
       "print('listens', flush=True); signal.pause()\n",
       kHost});
  REQUIRE(silent.WaitForOutput("listens"));
  // From here on there is a daemon, in its own time.
  Run({}, {"true"});
  const ClockAhead clock(directory().File("ahead"));
  const std::string go = directory().File("go");
  Process command(
      clock.Environment() +
      RunWords({kAnyUdp}, {"python3", "-c",
                           "import os, signal, socket, sys\n"
                           "host, answers, silent, go = sys.argv[1:5]\n"
                           "def start(host, port, text):\n"
                           "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                           "    s.settimeout(20); s.connect((host, int(port))); s.send(text)\n"
                           "    return s\n"
                           "print('waits', flush=True)\n"
                           "while not os.path.exists(go): pass\n"
                           "a = start(host, answers, b'x'); a.recv(9)\n"
                           "dns = start('192.0.2.53', 53, b'\\0\\7\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0'\n"
                           "            b'\\1a\\7example\\0\\0\\1\\0\\1'); dns.recv(999)\n"
                           "b = start(host, silent, b'x')\n"
                           "print('sent', flush=True); signal.pause()\n",
                           kHost, echo.port_text(), "7777", go}));
  REQUIRE(command.WaitForOutput("waits"));
  const pid_t relay = RelayOf(command);
  const size_t before = SocketsOf(relay);
  std::ofstream(go) << "x";
  REQUIRE(command.WaitForOutput("sent"));
  // Beside what is there from the start. The name server's port is served always.
  const auto comes_to = [&](size_t more) {
    (void)WaitFor([&] { return SocketsOf(relay) == before + more; });
    CHECK(SocketsOf(relay) == before + more);
  };
  const auto ends = [&](const std::string& rows) {
    (void)WaitFor([&] { return Rows("bytes_in, ended") == rows; });
    CHECK(Rows("bytes_in, ended") == rows);
  };
  comes_to(5);  // three flows and two ports
  clock.Set(std::chrono::seconds(16));
  comes_to(4);
  clock.Set(std::chrono::seconds(31));
  comes_to(3);
  ends("-|-\n0|idle\n");
  clock.Set(std::chrono::seconds(181));
  comes_to(2);
  ends("1|idle\n0|idle\n");
  clock.Set(std::chrono::seconds(301));
  comes_to(0);
}

}  // namespace
}  // namespace namegate::testing
