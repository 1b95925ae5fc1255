// What the command may do to files and mounts, and what it does not gain by it. Each as root and as
// an ordinary user, if the test may become one.

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "common/control_protocol.h"
#include "common/state_paths.h"
#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

constexpr uid_t kNobody = 65534;

// A user's home directory, with the state directory below a directory of his.
class FilesFixture : public EnclaveFixture {
 protected:
  FilesFixture() {
    REQUIRE(chmod(directory().path().c_str(), 0755) == 0);
    for (const std::string& made : {home(), above_state()}) MakeDirectory(made);
  }

  // His, and nobody else's.
  void MakeDirectory(const std::string& path) const {
    REQUIRE(mkdir(path.c_str(), 0700) == 0);
    if (nobody_) REQUIRE(chown(path.c_str(), kNobody, kNobody) == 0);
  }

  bool as_root() const { return geteuid() == 0 && !nobody_; }
  std::string home() const { return directory().File("home"); }
  std::string above_state() const { return home() + "/above"; }
  std::string state() const { return above_state() + "/state"; }

  // These words, said by the user in whose home this is.
  Words AsUser(const Words& words) const {
    return (nobody_ ? kAsNobody : Words{}) + Words{"env", "HOME=" + home()} + words;
  }

  // namegate run --quiet --state-dir `state_dir` OPTIONS... -- COMMAND, said by him.
  Words RunWordsAt(const std::string& state_dir, const Words& options, const Words& command) const {
    const Words run = {BuildPath("bin/namegate"),
                       "run",
                       "--quiet",
                       "--state-dir",
                       state_dir,
                       "--upstream",
                       upstream()};
    return AsUser(run + options + Words{"--"} + command);
  }
  Outcome RunAt(const std::string& state_dir, const Words& options, const Words& command,
                const std::map<std::string, std::string>& environment = {}) const {
    return testing::Run(RunWordsAt(state_dir, options, command),
                        {.environment = environment, .input = ""});
  }

 private:
  // Whoever runs the test, and if that is root, the second time somebody else.
  bool nobody_ = geteuid() == 0 && GENERATE(false, true);
};

// A socket that listens in the file system, for whoever may look into its directory.
UniqueFd ListenAtPath(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(chmod(path.c_str(), 0777) == 0);
  REQUIRE(listen(socket.get(), 5) == 0);
  return socket;
}

TEST_CASE_METHOD(
    FilesFixture,
    "What is hidden stays so when the namespace that the command started in has ended") {
  const std::string agent = home() + "/agent";
  const UniqueFd listener = ListenAtPath(agent);
  const Outcome outcome =
      RunAt(state(), {},
            {Sandboxee("enclave_uncover"), above_state(), "state/control.sock", home(), "agent"},
            {{"SSH_AUTH_SOCK", agent}});
  INFO(outcome.err);
  CHECK(outcome.out == "unshare: OK\nconnect: ENOENT\nconnect: ECONNREFUSED\n");
}

// Kills the daemon that has its socket in this directory, as the command could, and waits until it
// is gone.
void KillDaemon(const std::string& state_dir) {
  auto control = ControlClient::Connect(StatePaths(state_dir).control_socket());
  REQUIRE(control);
  const auto response = control->Call({{"command", "status"}});
  REQUIRE(response);
  const auto pid = (*response)["status"]["pid"].get<pid_t>();
  const UniqueFd daemon(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  REQUIRE(daemon);
  REQUIRE(kill(pid, SIGKILL) == 0);
  pollfd gone{daemon.get(), POLLIN, 0};
  REQUIRE(poll(&gone, 1, 20'000) == 1);
}

// ABOVE HOST PORT TELL: puts a tree of its own in the place of ABOVE/state, in which it answers the
// relay, allowing everything, and the launcher; connects once it is told that the daemon has gone;
// and says who came to it.
constexpr char kReplaceStateDirectory[] = R"(
import os, socket, struct, sys, threading
above, host, port, tell = sys.argv[1:]
mounts = [line.split() for line in open('/proc/self/mountinfo')]
token = next(f[3] for f in mounts if f[4] == '/etc/namegate/session').split('/')[-1]
os.rename(above, above + '.old')
own = above + '/state/gate/' + token
os.makedirs(own)
open(own + '/gate', 'w').close()
came = []
def listen(kind, path, serve):
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(path)
    listener.listen(50)
    def run():
        while True:
            connection = listener.accept()[0]
            came.append(path)
            serve(connection)
    threading.Thread(target=run, daemon=True).start()
def allow(connection):
    while message := connection.recv(64):
        question = struct.unpack_from('q', message, 40)[0]
        connection.send(struct.pack('<IHHBBHIqq', 0x4e475245, 1, 32, 1, 1, 0, 0, question, 1))
listen(socket.SOCK_SEQPACKET, own + '.relay', allow)
listen(socket.SOCK_STREAM, above + '/state/control.sock', lambda connection: connection.close())
print('ready', flush=True)
open(tell).read()
for i in range(5):
    print('connect', socket.socket().connect_ex((host, int(port))))
print('came', came)
)";

TEST_CASE_METHOD(FilesFixture,
                 "A command that puts another state directory in the place is not believed there") {
  const TcpServer denied(kOther, Echo);
  const std::string tell = home() + "/tell";
  REQUIRE(mkfifo(tell.c_str(), 0600) == 0);
  REQUIRE(chmod(tell.c_str(), 0666) == 0);
  Process command(RunWordsAt(
      state(), {},
      {"python3", "-c", kReplaceStateDirectory, above_state(), kOther, denied.port_text(), tell}));
  REQUIRE(command.WaitForOutput("ready"));
  KillDaemon(above_state() + ".old/state");
  std::ofstream(tell) << "x";
  const Outcome outcome = command.Wait();
  INFO(outcome.err);
  CHECK_THAT(outcome.out, !Contains("connect 0") && Contains("came []"));
  CHECK(denied.accepted() == 0);
}

TEST_CASE_METHOD(FilesFixture, "What was denied is told from the ledger that it stands in") {
  Words words =
      RunWordsAt(state(), {},
                 {"sh", "-c",
                  "mv " + above_state() + " " + above_state() + ".old; mkdir -p " + state() +
                      "; exec " + Sandboxee("enclave_static") + " " + kOther + " 443"});
  std::erase(words, "--quiet");
  CHECK_THAT(testing::Run(words).err, Contains("--allow 203.0.113.2:443"));
}

TEST_CASE_METHOD(FilesFixture, "A command that is started in the state directory is not in it") {
  REQUIRE(RunAt(state(), {}, {"true"}).status == 0);
  const auto run_in = [&](const std::string& working_directory, const Words& command) {
    const Words in = {"sh", "-c", "cd " + working_directory + " && exec \"$@\"", "sh"};
    return testing::Run(in + RunWordsAt(state(), {}, command)).out;
  };
  CHECK(run_in(state(), {Sandboxee("enclave_unix"), "control.sock"}) == "connect: ENOENT\n");
  CHECK(run_in(state() + "/gate", {"pwd"}) == "/\n");
  CHECK(run_in(home(), {"pwd"}) == home() + "\n");
}

TEST_CASE_METHOD(FilesFixture, "A command cannot command any daemon, wherever its state is") {
  const std::string other = above_state() + "/other";
  Process daemon(AsUser({BuildPath("bin/namegated"), "--state-dir", other, "--upstream", upstream(),
                         "--ready-fd", "1"}));
  REQUIRE(daemon.WaitForOutput("ready"));
  const Words list = {BuildPath("bin/namegate"), "session", "list", "--state-dir", other};
  CHECK(testing::Run(AsUser(list)).status == 0);
  const Outcome outcome = RunAt(state(), {}, list);
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, Contains("another user namespace"));
}

TEST_CASE_METHOD(FilesFixture, "The usual state directory is hidden from every command") {
  const std::string usual = home() + "/usual";
  const ProcessOptions options = {.environment = {{"XDG_STATE_HOME", usual}}, .input = ""};
  REQUIRE(testing::Run(AsUser({"mkdir", "-p", usual + "/namegate/x"})).status == 0);
  const Outcome outcome =
      testing::Run(RunWordsAt(state(), {}, {"ls", usual + "/namegate"}), options);
  // Root's is /var/lib/namegate.
  CHECK(outcome.out == (as_root() ? "x\n" : ""));
}

// Prints what a.example is once two.example is answered, now and whenever it is told so.
constexpr char kAskOnDemand[] = R"(
import socket, sys, time
def ask(name):
    try: return socket.gethostbyname(name)
    except OSError: return None
while True:
    deadline = time.monotonic() + 20
    while not ask('two.example') and time.monotonic() < deadline: pass
    print(ask('two.example') is not None, ask('a.example'), flush=True)
    if open(sys.argv[1]).read() == '': break
)";

TEST_CASE_METHOD(FilesFixture,
                 "A daemon that is started again has the configuration of the first") {
  const std::string config = home() + "/namegate.toml";
  const std::string tell = home() + "/tell";
  std::ofstream(config) << "version = 1\ndeny = [\"a.example\"]\n";
  REQUIRE(mkfifo(tell.c_str(), 0600) == 0);
  REQUIRE(chmod(tell.c_str(), 0666) == 0);
  Process command(RunWordsAt(state(),
                             {"--config", config, "--allow-private", "a.example:443",
                              "--allow-private", "two.example:443"},
                             {"python3", "-c", kAskOnDemand, tell}));
  REQUIRE(command.WaitForOutput("True None\n"));
  std::ofstream(config) << "version = 1\n";
  KillDaemon(state());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!ControlClient::Connect(StatePaths(state()).control_socket()) &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  std::ofstream(tell) << "x";
  CHECK(command.WaitForOutput("True None\nTrue None\n"));
  std::ofstream(tell) << "";
  CHECK(command.Wait().status == 0);
}

TEST_CASE_METHOD(FilesFixture, "Services that the environment names are out of reach") {
  const auto at = [&](const char* name) { return home() + "/" + name; };
  std::vector<UniqueFd> listeners;
  const Words sockets = {at("bus"), at("docker"), at("tmux"), at("gnupg/S.gpg-agent")};
  MakeDirectory(at("gnupg"));
  for (const std::string& path : sockets) listeners.push_back(ListenAtPath(path));
  const std::map<std::string, std::string> environment = {
      {"DBUS_SESSION_BUS_ADDRESS", "unix:abstract=/x;unix:path=" + at("bus") + ",guid=1"},
      {"DOCKER_HOST", "unix://" + at("docker")},
      {"TMUX", at("tmux") + ",1,0"},
      {"GNUPGHOME", at("gnupg")}};
  const Words command = Words{Sandboxee("enclave_unix")} + sockets;
  const std::string refused = "connect: ECONNREFUSED\n";
  CHECK(RunAt(state(), {}, command, environment).out ==
        refused + refused + refused + "connect: ENOENT\n");
  CHECK(RunAt(state(), {"--expose", at("gnupg/S.gpg-agent")}, command, environment).out ==
        refused + refused + refused + "connect: OK\n");
}

// PATH TELL: connects to the socket PATH now, and again once it is told so.
constexpr char kConnectTwice[] = R"(
import socket, sys
for i in range(2):
    print('connect', socket.socket(socket.AF_UNIX).connect_ex(sys.argv[1]), flush=True)
    if i == 0: open(sys.argv[2]).read()
)";

TEST_CASE_METHOD(FilesFixture, "A key agent that makes its socket anew stays hidden") {
  MakeDirectory(home() + "/ssh");
  const std::string agent = home() + "/ssh/agent";
  const std::string tell = home() + "/tell";
  UniqueFd listener = ListenAtPath(agent);
  REQUIRE(mkfifo(tell.c_str(), 0600) == 0);
  REQUIRE(chmod(tell.c_str(), 0666) == 0);
  Process command(RunWordsAt(state(), {}, {"python3", "-c", kConnectTwice, agent, tell}),
                  {.environment = {{"SSH_AUTH_SOCK", agent}}, .input = ""});
  REQUIRE(command.WaitForOutput("connect"));
  REQUIRE(unlink(agent.c_str()) == 0);
  listener = ListenAtPath(agent);
  std::ofstream(tell) << "x";
  CHECK(command.Wait().out == "connect 2\nconnect 2\n");  // ENOENT
}

}  // namespace
}  // namespace namegate::testing
