// namegate run, whose default gate is the enclave, in a little internet of the test's own.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/control_protocol.h"
#include "common/sqlite.h"
#include "common/state_paths.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/authority.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace namegate::testing {
namespace {

using Catch::Contains;
using Words = std::vector<std::string>;

constexpr char kHost[] = "203.0.113.1";
constexpr char kOther[] = "203.0.113.2";
constexpr char kHost6[] = "2001:db8:1::1";

std::string Sandboxee(const std::string& name) { return BuildPath("bin/sandboxee_" + name); }

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// `namegate run` with a state directory of its own.
class Fixture {
 public:
  Fixture() {
    EnterInternet();
    authority_ = std::make_unique<Authority>(
        "a.example. 60 IN A 203.0.113.1\n"
        "a.example. 60 IN AAAA 2001:db8:1::1\n");
  }

  std::string state_dir() const { return directory_.File("state"); }
  const TempDir& directory() const { return directory_; }

  Words RunWords(const Words& allow, const Words& command) const {
    Words words = {
        BuildPath("bin/namegate"),      "run", "--quiet", "--state-dir", state_dir(), "--upstream",
        authority_->endpoint().ToText()};
    for (const std::string& rule : allow) words = words + Words{"--allow-private", rule};
    return words + Words{"--"} + command;
  }
  Outcome Run(const Words& allow, const Words& command) const {
    return testing::Run(RunWords(allow, command));
  }
  // Columns of `connections` joined by '|', a row a line.
  std::string Rows(const std::string& columns) const {
    // A daemon that is leaving holds the ledger to itself for a moment.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (;;) {
      auto rows = TryRows(columns);
      if (rows) return std::move(rows).value();
      if (std::chrono::steady_clock::now() > deadline) return rows.error().message;
      std::this_thread::yield();
    }
  }

 private:
  Result<std::string> TryRows(const std::string& columns) const {
    auto ledger = Database::Open(StatePaths(state_dir()).ledger(), Database::Mode::kReadOnly);
    if (!ledger) return ledger.error();
    auto statement = ledger->Prepare("SELECT " + columns + " FROM connections ORDER BY id");
    if (!statement) return statement.error();
    std::string rows;
    for (;;) {
      const auto row = statement->Step();
      if (!row) return row.error();
      if (!*row) return rows;
      for (int column = 0; column < statement->column_count(); ++column) {
        if (column > 0) rows += '|';
        rows += statement->is_null(column) ? "-" : std::string(statement->text(column));
      }
      rows += '\n';
    }
  }

  TempDir directory_;
  std::unique_ptr<Authority> authority_;
};

const std::string kEverywhere = "0.0.0.0/0:1-65535";
const std::string kEverywhere6 = "[::]/0:1-65535";

TEST_CASE_METHOD(Fixture, "A static program without libc's connect is let through and held back") {
  const TcpServer allowed(kHost, Echo);
  const TcpServer denied(kOther, Echo);
  const Outcome outcome =
      Run({std::string(kHost) + ":" + allowed.port_text()},
          {Sandboxee("enclave_static"), kHost, allowed.port_text(), kOther, denied.port_text()});
  CHECK(outcome.out == "connect: OK\nconnect: ECONNREFUSED\n");
  CHECK(denied.accepted() == 0);
  CHECK(Rows("gate, protocol, address, port, verdict") ==
        "enclave|tcp|203.0.113.1|" + allowed.port_text() + "|allow\n" + "enclave|tcp|203.0.113.2|" +
            denied.port_text() + "|deny\n");
}

TEST_CASE_METHOD(Fixture, "A port that is open for one host is not open for another") {
  const TcpServer server(kHost, Echo);
  const std::string port = server.port_text();
  const Outcome outcome =
      Run({std::string(kHost) + ":" + port},
          {Sandboxee("enclave_static"), kHost, port, kOther, port, kHost, port});
  CHECK(outcome.out == "connect: OK\nconnect: ECONNREFUSED\nconnect: OK\n");
}

TEST_CASE_METHOD(Fixture, "A row names the process that connected, and its program") {
  const TcpServer server(kHost, Echo);
  const UdpEcho echo(kHost);
  const Outcome outcome =
      Run({kEverywhere, "0.0.0.0/0:1-65535/udp"},
          {"sh", "-c",
           "echo $$; exec python3 -c 'import socket, sys\n"
           "socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
           "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
           "s.sendto(b\"x\", (sys.argv[1], int(sys.argv[3]))); s.recv(9)' " +
               std::string(kHost) + " " + server.port_text() + " " + echo.port_text()});
  std::string pid = outcome.out;
  std::erase(pid, '\n');
  CHECK(Rows("pid, process") == pid + "|python3\n" + pid + "|python3\n");
}

TEST_CASE_METHOD(Fixture, "connect() gives inside what it gives outside") {
  const TcpServer v4(kHost, Echo);
  const TcpServer v6(kHost6, Echo);
  const Words client = {Sandboxee("connect_tcp"),
                        kHost,
                        v4.port_text(),
                        kHost6,
                        v6.port_text(),
                        std::string("::ffff:") + kHost,
                        v4.port_text(),
                        kHost,
                        ClosedPort(kHost),
                        kHost6,
                        ClosedPort(kHost6),
                        "198.51.100.1",
                        "443",
                        "8.8.4.4",
                        "443",
                        "2001:db8:2::1",
                        "443"};
  const Outcome bare = testing::Run(client);
  CHECK_THAT(bare.out, Contains("OK") && Contains("ECONNREFUSED") && Contains("EHOSTUNREACH") &&
                           Contains("ENETUNREACH"));
  CHECK(Run({kEverywhere, kEverywhere6}, client).out == bare.out);
}

TEST_CASE_METHOD(Fixture,
                 "A non-blocking connect, watched before it starts, tells the same story") {
  const TcpServer server(kHost, Echo);
  const Words client = {Sandboxee("enclave_many"), kHost, server.port_text(), "500"};
  CHECK(testing::Run(client).out == "connected 500, failed 0\n");
  CHECK(Run({kEverywhere}, client).out == "connected 500, failed 0\n");
  const Words refused = {Sandboxee("enclave_many"), kHost, ClosedPort(kHost), "50"};
  CHECK(Run({kEverywhere}, refused).out == testing::Run(refused).out);
}

TEST_CASE_METHOD(Fixture, "A server that answers no SYN is ETIMEDOUT inside as outside") {
  // A full backlog drops every SYN.
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  socklen_t length = IpAddress::FromText(kHost)->ToSockaddr(0, &storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  REQUIRE(bind(listener.get(), address, length) == 0);
  REQUIRE(listen(listener.get(), 0) == 0);
  REQUIRE(getsockname(listener.get(), address, &length) == 0);
  const UniqueFd filler(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(connect(filler.get(), address, length) == 0);
  const std::string port =
      std::to_string(ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port));
  const Words client = {Sandboxee("connect_tcp"), kHost, port};
  CHECK(testing::Run(client).out == "connect: ETIMEDOUT\n");
  CHECK(Run({kEverywhere}, client).out == "connect: ETIMEDOUT\n");
  CHECK(Rows("verdict") == "allow\n");
}

TEST_CASE_METHOD(Fixture, "Bytes, half-closes and back-pressure go through") {
  const TcpServer v4(kHost, Echo);
  const TcpServer v6(kHost6, Echo);
  const auto exchange = [&](const char* host, const TcpServer& server) {
    return Run({kEverywhere, kEverywhere6},
               {Sandboxee("enclave_exchange"), host, server.port_text(), "20000000"})
        .out;
  };
  CHECK(exchange(kHost, v4) == "connect: OK\nsent 20000000, received 20000000, intact\n");
  CHECK(exchange(kHost6, v6) == "connect: OK\nsent 20000000, received 20000000, intact\n");
}

TEST_CASE_METHOD(Fixture, "A connection that the far end breaks is broken inside") {
  const TcpServer server(kHost, Break);
  const Outcome outcome =
      Run({kEverywhere}, {Sandboxee("enclave_exchange"), kHost, server.port_text(), "1"});
  CHECK_THAT(outcome.out, Contains("connect: OK\nrecv: ECONNRESET\n"));
}

TEST_CASE_METHOD(Fixture, "Datagrams go to what a UDP rule names; the rest is refused at once") {
  const UdpEcho v4(kHost);
  const UdpEcho v6(kHost6);
  const UdpEcho denied(kOther);
  const Outcome outcome =
      Run({std::string(kHost) + ":1-65535/udp", std::string("[") + kHost6 + "]:1-65535/udp"},
          {Sandboxee("enclave_datagrams"), kHost, v4.port_text(), kHost6, v6.port_text(), kOther,
           denied.port_text(), kHost, "9"});
  CHECK(outcome.out == "recv: OK\nping\nrecv: OK\nping\nrecv: ECONNREFUSED\nrecv: ECONNREFUSED\n");
  CHECK(Rows("gate, protocol, address, verdict") ==
        "enclave|udp|203.0.113.1|allow\nenclave|udp|2001:db8:1::1|allow\n"
        "enclave|udp|203.0.113.2|deny\nenclave|udp|203.0.113.1|allow\n");
}

constexpr char kOwnDnsClient[] = R"(
import socket, struct, sys
def name(text): return b''.join(bytes([len(l)]) + l.encode() for l in text.split('.')) + b'\0'
def ask(text, server, kind):
    query = struct.pack('>6H', 7, 0x100, 1, 0, 0, 0) + name(text) + struct.pack('>2H', 1, 1)
    family = socket.AF_INET6 if ':' in server else socket.AF_INET
    s = socket.socket(family, kind)
    s.settimeout(20)
    s.connect((server, 53))
    if kind == socket.SOCK_DGRAM:
        s.send(query)
        reply = s.recv(4096)
    else:
        s.sendall(struct.pack('>H', len(query)) + query)
        reply = s.recv(4096)[2:]
    rcode = reply[3] & 15
    print(text, rcode, socket.inet_ntoa(reply[-4:]) if rcode == 0 else '-')
for server in '8.8.8.8', '2001:db8:53::1':
    for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
        ask('a.example', server, kind)
        ask('b.example', server, kind)
)";

TEST_CASE_METHOD(Fixture, "A program's own DNS client, whomever it asks, asks our resolver") {
  const Outcome outcome = Run({"a.example:80"}, {"python3", "-c", kOwnDnsClient});
  std::string expected;
  for (int i = 0; i < 4; ++i) expected += "a.example 0 203.0.113.1\nb.example 3 -\n";
  CHECK(outcome.out == expected);
  CHECK(Rows("*").empty());
}

TEST_CASE_METHOD(Fixture,
                 "A name resolves, and its address can be connected to on its port alone") {
  const TcpServer server("203.0.113.1", Echo);
  const Outcome outcome = Run({"a.example:" + server.port_text()},
                              {"python3", "-c",
                               "import socket, sys\n"
                               "s = socket.create_connection(('a.example', int(sys.argv[1])))\n"
                               "s.sendall(b'hello'); s.shutdown(1); print(s.makefile().read())\n"
                               "try: socket.create_connection(('a.example', 9))\n"
                               "except OSError as e: print(e.errno)\n",
                               server.port_text()});
  CHECK(outcome.out == "hello\n111\n");
  CHECK_THAT(Rows("name, verdict, reason"), Contains("a.example|allow|lease"));
}

TEST_CASE_METHOD(Fixture, "Doors past the network namespace are closed") {
  const Outcome outcome = Run({kEverywhere}, {Sandboxee("enclave_doors")});
  const std::string packet = geteuid() == 0 ? "OK" : "EPERM";
  CHECK(outcome.out == "vsock: EAFNOSUPPORT\npacket: " + packet +
                           "\nbluetooth: EAFNOSUPPORT\nalg: EAFNOSUPPORT\n"
                           "unix: OK\nnetlink: OK\ninet: OK\ninet6: OK\nio_uring: ENOSYS\n"
                           "wide vsock: EAFNOSUPPORT\ntiocsti: EPERM\n");
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

TEST_CASE_METHOD(Fixture,
                 "The host's abstract sockets, key agent and Namegate's own are out of reach") {
  const std::string abstract = "@namegate-test-" + std::to_string(getpid());
  const std::string agent = directory().File("agent");
  const UniqueFd first = ListenAt(abstract);
  const UniqueFd second = ListenAt(agent);
  const std::string control = StatePaths(state_dir()).control_socket();
  const Words command = RunWords({}, {Sandboxee("enclave_unix"), abstract, agent, control});
  const Outcome outcome =
      testing::Run(command, {.environment = {{"SSH_AUTH_SOCK", agent}}, .input = ""});
  CHECK(outcome.out == "connect: ECONNREFUSED\nconnect: ECONNREFUSED\nconnect: ENOENT\n");
}

TEST_CASE_METHOD(Fixture, "The host's loopback is not the command's, which has one of its own") {
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

TEST_CASE_METHOD(Fixture, "Descriptors above 2 are not handed on") {
  const int leaked = dup(0);
  REQUIRE(leaked > 2);
  const Outcome outcome = Run({}, {Sandboxee("enclave_descriptors")});
  close(leaked);
  CHECK(outcome.out == "0 1 2 \n");
}

TEST_CASE_METHOD(Fixture, "A network socket for a standard stream is refused") {
  const Words words = RunWords({}, {"true"});
  Words script = {"python3", "-c",
                  "import socket, subprocess, sys\n"
                  "sys.exit(subprocess.run(sys.argv[1:], stdin=socket.socket()).returncode)\n"};
  const Outcome outcome = testing::Run(script + words);
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("descriptor 0 is a network socket"));
}

TEST_CASE_METHOD(Fixture, "Root inside may turn its own network over, and is held all the same") {
  if (geteuid() != 0 || !HaveProgram("ip")) return;
  const TcpServer denied(kOther, Echo);
  const Outcome outcome =
      Run({}, {"sh", "-c",
               "ip addr add 203.0.113.7/24 dev eth0 && ip route replace default dev eth0 && "
               "ip link set eth0 mtu 900; "
               "unshare -n true; umount /etc/resolv.conf; "
               "exec " +
                   Sandboxee("enclave_static") + " " + kOther + " " + denied.port_text()});
  CHECK_THAT(outcome.out, Contains("connect: E"));
  CHECK(denied.accepted() == 0);
}

TEST_CASE_METHOD(Fixture, "The command cannot enter, read or trace what runs outside") {
  const Outcome outcome = Run(
      {},
      {"sh", "-c", "exec " + Sandboxee("enclave_escape") + " $PPID " + std::to_string(getpid())});
  const std::string refused = "network: EACCES\nmemory: EACCES\nroot: EACCES\ntrace: EPERM\n";
  CHECK(outcome.out == refused + refused);
}

// The children of a process.
std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::ifstream file("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                     "/children");
  std::vector<pid_t> children;
  for (pid_t child; file >> child;) children.push_back(child);
  return children;
}

// Connects when it is told to, and says what came of it.
constexpr char kConnectOnDemand[] =
    "import socket, sys\n"
    "print('ready', flush=True)\n"
    "while True:\n"
    "    if open(sys.argv[1]).read() == '': break\n"
    "    s = socket.socket(); s.settimeout(20)\n"
    "    print('connect', s.connect_ex((sys.argv[2], int(sys.argv[3]))), flush=True)\n";

class OnDemand {
 public:
  OnDemand(const Fixture& fixture, const TcpServer& server)
      : fifo_(fixture.directory().File("tell")), made_(mkfifo(fifo_.c_str(), 0600)) {
    process_ = std::make_unique<Process>(fixture.RunWords(
        {kEverywhere}, {"python3", "-c", kConnectOnDemand, fifo_, kHost, server.port_text()}));
    REQUIRE(process_->WaitForOutput("ready"));
  }
  void Tell(const std::string& text) const { std::ofstream(fifo_) << text; }
  Process& process() { return *process_; }

 private:
  std::string fifo_;
  int made_;
  std::unique_ptr<Process> process_;
};

TEST_CASE_METHOD(Fixture, "When the relay is killed the network is gone, at once and for good") {
  const TcpServer server(kHost, Echo);
  OnDemand command(*this, server);
  command.Tell("x");
  REQUIRE(command.process().WaitForOutput("connect 0"));
  const std::vector<pid_t> children = ChildrenOf(command.process().pid());
  REQUIRE(children.size() == 2);  // the relay was started first
  kill(children.front(), SIGKILL);
  command.Tell("x");
  CHECK(command.process().WaitForOutput("connect 1"));  // ENETUNREACH, or what it is on the way
  CHECK(server.accepted() == 1);
}

TEST_CASE_METHOD(Fixture, "Closing the session ends its connections") {
  const TcpServer server(kHost, Echo);
  Process command(
      RunWords({kEverywhere}, {"python3", "-c",
                               "import socket, sys\n"
                               "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
                               "print('ready', flush=True)\n"
                               "try: print('received', s.recv(1))\n"
                               "except OSError as e: print('broken', e.errno)\n",
                               kHost, server.port_text()}));
  REQUIRE(command.WaitForOutput("ready"));
  auto control = ControlClient::Connect(StatePaths(state_dir()).control_socket());
  REQUIRE(control.ok());
  REQUIRE(control->Call({{"command", "session.close"}, {"session", 1}}).ok());
  CHECK(command.WaitForOutput("broken 104"));
}

TEST_CASE_METHOD(Fixture, "While the daemon is dead every new connection is refused at once") {
  const TcpServer server(kHost, Echo);
  OnDemand command(*this, server);
  auto control = ControlClient::Connect(StatePaths(state_dir()).control_socket());
  REQUIRE(control.ok());
  const auto status = control->Call({{"command", "status"}});
  REQUIRE(status.ok());
  kill((*status)["status"]["pid"].get<pid_t>(), SIGKILL);
  command.Tell("x");
  CHECK(command.process().WaitForOutput("connect 111"));
  CHECK(server.accepted() == 0);
}

TEST_CASE_METHOD(Fixture, "It runs inside itself, and the inner rules hold within the outer ones") {
  const TcpServer server(kHost, Echo);
  const TcpServer denied(kOther, Echo);
  const Words inner = {BuildPath("bin/namegate"),
                       "run",
                       "--quiet",
                       "--state-dir",
                       directory().File("inner"),
                       "--upstream",
                       "203.0.113.9:53",
                       "--allow-private",
                       kEverywhere,
                       "--",
                       Sandboxee("enclave_static"),
                       kHost,
                       server.port_text(),
                       kOther,
                       denied.port_text()};
  const Outcome outcome = Run({std::string(kHost) + ":1-65535"}, inner);
  INFO(outcome.err);
  CHECK(outcome.out == "connect: OK\nconnect: ECONNREFUSED\n");
}

TEST_CASE_METHOD(Fixture, "An ordinary user needs no privilege") {
  if (geteuid() != 0 || !HaveProgram("setpriv")) return;
  const TcpServer server(kHost, Echo);
  const std::string home = directory().File("home");
  REQUIRE(mkdir(home.c_str(), 0700) == 0);
  REQUIRE(chown(home.c_str(), 65534, 65534) == 0);
  REQUIRE(chmod(directory().path().c_str(), 0755) == 0);
  const Words user = {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"};
  const Words run = {BuildPath("bin/namegate"),
                     "run",
                     "--quiet",
                     "--state-dir",
                     home + "/state",
                     "--upstream",
                     "203.0.113.9:53",
                     "--allow-private",
                     std::string(kHost) + ":1-65535",
                     "--",
                     "sh",
                     "-c",
                     "id -u; exec " + Sandboxee("enclave_static") + " " + kHost + " " +
                         server.port_text() + " " + kOther + " 1"};
  const Outcome outcome = testing::Run(user + run);
  INFO(outcome.err);
  CHECK(outcome.out == "65534\nconnect: OK\nconnect: ECONNREFUSED\n");
}

TEST_CASE_METHOD(Fixture, "What was denied is told at the end, with the rule that would allow it") {
  Words words = RunWords({}, {Sandboxee("enclave_static"), kOther, "443"});
  std::erase(words, "--quiet");
  const Outcome outcome = testing::Run(words);
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.err, Contains("--allow 203.0.113.2:443"));
}

}  // namespace
}  // namespace namegate::testing
