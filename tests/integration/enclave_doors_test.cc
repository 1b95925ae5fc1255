// The ways out of a network namespace that are no packets, and what is done about them.

#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/state_paths.h"
#include "tests/integration/enclave_capture.h"
#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

TEST_CASE_METHOD(EnclaveFixture, "Doors past the network namespace are closed") {
  const Outcome outcome = Run({kEverywhere}, {Sandboxee("enclave_doors")});
  const std::string packet = geteuid() == 0 ? "OK" : "EPERM";
  CHECK(outcome.out == "vsock: EAFNOSUPPORT\npacket: " + packet +
                           "\nbluetooth: EAFNOSUPPORT\nalg: EAFNOSUPPORT\n"
                           "unix: OK\nnetlink: OK\ninet: OK\ninet6: OK\nio_uring: ENOSYS\n"
                           "wide vsock: EAFNOSUPPORT\ntiocsti: EPERM\ntioclinux: EPERM\n"
                           "request_key: ENOSYS\n");
}

// A listening Unix socket; its name may start with '@'.
UniqueFd ListenAt(const std::string& name) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, sizeof address.sun_path - 1);
  if (name[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
  REQUIRE(listen(socket.get(), 5) == 0);
  return socket;
}

TEST_CASE_METHOD(EnclaveFixture,
                 "The host's abstract sockets, key agent and Namegate's own are out of reach") {
  const std::string abstract = "@namegate-test-" + std::to_string(getpid());
  const std::string agent = directory().File("agent");
  const UniqueFd first = ListenAt(abstract);
  const UniqueFd second = ListenAt(agent);
  const std::string control = StatePaths(state_dir()).control_socket();
  const Words command = RunWords({}, {Sandboxee("enclave_unix"), abstract, agent, control});
  const Outcome outcome =
      testing::Run(command, {.environment = {{"SSH_AUTH_SOCK", agent}}, .input = ""});
  CHECK(outcome.out == "connect: ECONNREFUSED\nconnect: ENOENT\nconnect: ENOENT\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "The host's loopback is not the command's, which has one of its own") {
  const TcpServer host("127.0.0.1", Echo);
  const Outcome outcome =
      Run({kEverywhere}, {"python3", "-c",
                          "import socket, sys\n"
                          "print(socket.socket().connect_ex(('127.0.0.1', int(sys.argv[1]))))\n"
                          "print(socket.socket().connect_ex(('0.0.0.0', int(sys.argv[1]))))\n"
                          "own = socket.create_server(('127.0.0.1', 0))\n"
                          "print(socket.socket().connect_ex(own.getsockname()))\n",
                          host.port_text()});
  CHECK(outcome.out == "111\n111\n0\n");
  CHECK(host.accepted() == 0);
}

TEST_CASE_METHOD(EnclaveFixture, "Descriptors above 2 are not handed on") {
  const int leaked = dup(0);
  REQUIRE(leaked > 2);
  const Outcome outcome = Run({}, {Sandboxee("enclave_descriptors")});
  close(leaked);
  CHECK(outcome.out == "0 1 2 \n");
}

TEST_CASE_METHOD(EnclaveFixture, "A network socket for a standard stream is refused") {
  const Words words = RunWords({}, {"true"});
  Words script = {"python3", "-c",
                  "import socket, subprocess, sys\n"
                  "sys.exit(subprocess.run(sys.argv[1:], stdin=socket.socket()).returncode)\n"};
  const Outcome outcome = testing::Run(script + words);
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("descriptor 0 is a network socket"));
}

TEST_CASE_METHOD(EnclaveFixture, "A directory for a standard stream is refused") {
  const Words words = RunWords({}, {"true"});
  const Outcome outcome = testing::Run(Words{"sh", "-c", "exec \"$@\" </", "sh"} + words);
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("descriptor 0 is a directory"));
}

TEST_CASE_METHOD(EnclaveFixture,
                 "Root inside may turn its own network over, and is held all the same") {
  NeedRoot("be root inside");
  NeedPrograms({"ip"});
  const TcpServer denied(kOther, Echo);
  const std::string connect =
      Sandboxee("enclave_static") + " " + kOther + " " + denied.port_text() + "; ";
  Capture capture;
  const Outcome outcome = Run({}, {"sh", "-c",
                                   "ip link set eth0 mtu 900; umount /etc/resolv.conf; " + connect +
                                       "ip route replace default dev eth0; " + connect +
                                       "ip addr add 203.0.113.7/24 dev eth0; " + connect});
  INFO(outcome.err);
  // Only what has the sandbox's own address is answered, and is an attempt.
  CHECK(outcome.out == "connect: ECONNREFUSED\nconnect: ECONNREFUSED\nconnect: ETIMEDOUT\n");
  CHECK(capture.Seen() == std::set<std::string>());
  CHECK(Rows("address, verdict") == "203.0.113.2|deny\n203.0.113.2|deny\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "What a helper outside hands over can be used: the wall is around the network") {
  // A limit, as README.md has it; if this fails there is one less to tell of.
  const TcpServer server(kOther, Echo);
  const std::string path = directory().File("helper");
  Process helper({"python3", "-c",
                  "import signal, socket, sys\n"
                  "way_out = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
                  "door = socket.socket(socket.AF_UNIX); door.bind(sys.argv[3]); door.listen()\n"
                  "print('ready', flush=True)\n"
                  "socket.send_fds(door.accept()[0], [b'x'], [way_out.fileno()])\n"
                  "signal.pause()\n",
                  kOther, server.port_text(), path});
  REQUIRE(helper.WaitForOutput("ready"));
  const Outcome outcome =
      Run({}, {"python3", "-c",
               "import socket, sys\n"
               "door = socket.socket(socket.AF_UNIX); door.connect(sys.argv[1])\n"
               "s = socket.socket(fileno=socket.recv_fds(door, 1, 1)[1][0])\n"
               "s.sendall(b'out'); print(s.recv(9))\n",
               path});
  INFO(outcome.err);
  CHECK(outcome.out == "b'out'\n");
  CHECK(Rows("*").empty());
}

TEST_CASE_METHOD(EnclaveFixture, "The command cannot enter, read or trace what runs outside") {
  const Outcome outcome = Run(
      {},
      {"sh", "-c", "exec " + Sandboxee("enclave_escape") + " $PPID " + std::to_string(getpid())});
  const std::string refused = "network: EACCES\nmemory: EACCES\nroot: EACCES\ntrace: EPERM\n";
  CHECK(outcome.out == refused + refused);
}

}  // namespace
}  // namespace namegate::testing
