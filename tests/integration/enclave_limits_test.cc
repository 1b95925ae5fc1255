// More than the gateway has room for: what is oldest gives way, and the rest goes on.

#include <sys/resource.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

void NeedDescriptors(rlim_t count) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max < count) Skip("the relay needs " + std::to_string(count) + " descriptors");
}

// A listener that answers no SYN: its backlog is full.
class SilentServer {
 public:
  SilentServer() {
    auto* address = reinterpret_cast<sockaddr*>(&storage_);
    REQUIRE(bind(listener_.get(), address, length_) == 0);
    REQUIRE(listen(listener_.get(), 0) == 0);
    REQUIRE(getsockname(listener_.get(), address, &length_) == 0);
    REQUIRE(connect(filler_.get(), address, length_) == 0);
  }
  std::string port_text() const {
    return std::to_string(ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port));
  }

 private:
  UniqueFd listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  UniqueFd filler_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_storage storage_{};
  socklen_t length_ = IpAddress::FromText(kOther)->ToSockaddr(0, &storage_);
};

TEST_CASE_METHOD(EnclaveFixture, "Dials that nobody answers do not lock a session out") {
  NeedDescriptors(5'000);
  const TcpServer server(kHost, Echo);
  const SilentServer silent;
  // Each is given up at once, so that the relay alone still knows of it.
  const Outcome outcome =
      Run({kEverywhere}, {"python3", "-c",
                          "import socket, sys\n"
                          "for i in range(4500):\n"
                          "    s = socket.socket(); s.setblocking(False)\n"
                          "    s.connect_ex((sys.argv[1], int(sys.argv[2])))\n"
                          "    s.close()\n"
                          "for i in range(5):\n"
                          "    s = socket.socket()\n"
                          "    error = s.connect_ex((sys.argv[3], int(sys.argv[4])))\n"
                          "    if error == 0: break\n"
                          "print(error)\n",
                          kOther, silent.port_text(), kHost, server.port_text()});
  INFO(outcome.err);
  CHECK(outcome.out == "0\n");
}

TEST_CASE_METHOD(EnclaveFixture, "Connections to more ports than are listened on all come about") {
  NeedDescriptors(6'000);
  const std::string ports = directory().File("ports");
  const Process server({"python3", "-c",
                        "import resource, signal, socket, sys\n"
                        "resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))\n"
                        "all = [socket.create_server((sys.argv[1], 0)) for i in range(1200)]\n"
                        "print(*[s.getsockname()[1] for s in all], file=open(sys.argv[2], 'w'))\n"
                        "signal.pause()\n",
                        kHost, ports});
  const Outcome outcome =
      Run({kEverywhere},
          {"python3", "-c",
           "import resource, socket, sys\n"
           "resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))\n"
           "ports = []\n"
           "while len(ports) < 1200:\n"
           "    try: ports = open(sys.argv[2]).read().split()\n"
           "    except FileNotFoundError: pass\n"
           "held = [socket.socket() for port in ports]\n"
           "errors = [s.connect_ex((sys.argv[1], int(port))) for s, port in zip(held, ports)]\n"
           "print(len(errors), set(errors))\n",
           kHost, ports});
  INFO(outcome.err);
  CHECK(outcome.out == "1200 {0}\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "Of more flows than are kept the longest silent gives way, and comes again") {
  NeedDescriptors(6'000);
  const UdpEcho echo(kHost);
  // The first flow is used anew in between, so that it is the second that gives way.
  const Outcome outcome =
      Run({std::string(kHost) + ":1-65535/udp"},
          {"python3", "-c",
           "import resource, socket, sys\n"
           "resource.setrlimit(resource.RLIMIT_NOFILE, (6000, 6000))\n"
           "def ask(s):\n"
           "    for i in range(20):\n"
           "        s.send(b'x')\n"
           "        try: return s.recv(9)\n"
           "        except TimeoutError: pass\n"
           "flows = []\n"
           "for i in range(4097):\n"
           "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)\n"
           "    s.connect((sys.argv[1], int(sys.argv[2]))); flows.append(s)\n"
           "    if i == 4096: ask(flows[0])\n"
           "    ask(s)\n"
           "print(ask(flows[0]), ask(flows[1]), ask(flows[4096]))\n",
           kHost, echo.port_text()});
  INFO(outcome.err);
  CHECK(outcome.out == "b'x' b'x' b'x'\n");
  CHECK(Ask("SELECT count(*) FROM connections WHERE ended = 'session-closed'") == "4096\n");
  // The second, and then the third for the second's return.
  CHECK(Ask("SELECT id FROM connections WHERE ended = 'idle' ORDER BY id") == "2\n3\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A relay that has no descriptor left rests until it has") {
  NeedPrograms({"prlimit"});
  const TcpServer server(kHost, Echo);
  Process command(
      Words{"prlimit", "--nofile=70:70"} +
      RunWords(
          {kEverywhere},
          {"python3", "-c",
           "import select, signal, socket, sys\n"
           "held = [socket.socket() for i in range(50)]\n"
           "for s in held: s.setblocking(False); s.connect_ex((sys.argv[1], int(sys.argv[2])))\n"
           "waiting = held\n"
           "while waiting:\n"
           "    done = select.select([], waiting, [])[1]\n"
           "    waiting = [s for s in waiting if s not in done]\n"
           "print('done', flush=True); signal.pause()\n",
           kHost, server.port_text()}));
  REQUIRE(command.WaitForOutput("done"));
  CHECK(ComesToRest(RelayOf(command)));
}

}  // namespace
}  // namespace namegate::testing
