// Datagrams through the gateway: errors, fragments, many ports, limits.

#include <catch2/catch.hpp>

#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"

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

}  // namespace
}  // namespace namegate::testing
