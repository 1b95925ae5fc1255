// namegate run --gate preload, with the daemon it starts itself.

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <memory>

#include "common/control_protocol.h"
#include "common/state_paths.h"
#include "tests/integration/command_harness.h"
#include "tests/support/authority.h"
#include "tests/support/skip.h"

namespace namegate {
namespace {

using Catch::Contains;
using testing::BuildPath;
using testing::CommandHarness;
using testing::Joined;
using testing::Outcome;
using testing::Process;
using testing::Words;

constexpr char kZone[] = "allowed.example. 60 IN A 127.0.0.1\nother.example. 60 IN A 127.0.0.1\n";

// How the mounts of a run stand in /proc/PID/mountinfo.
constexpr char kOurMount[] = " - tmpfs namegate ";

std::string Content(const std::string& path) { return testing::ReadFile(path); }

// What the process has printed of its own pid, as `sh -c 'echo $$'` does.
pid_t PidFrom(const std::string& path) {
  std::ifstream file(path);
  pid_t pid = 0;
  file >> pid;
  return pid;
}

size_t DaemonsStarted(const CommandHarness& harness) {
  const std::string log = Content(StatePaths(harness.state_dir()).log());
  size_t count = 0;
  for (size_t at = log.find(" serves "); at != std::string::npos;
       at = log.find(" serves ", at + 1)) {
    ++count;
  }
  return count;
}

TEST_CASE("run exits as its command does") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  CHECK(harness.Run({}, {"true"}).status == 0);
  CHECK(harness.Run({}, {"sh", "-c", "exit 7"}).status == 7);
  CHECK(harness.Run({}, {"sh", "-c", "kill -TERM $$"}).status == 128 + SIGTERM);
  CHECK(harness.Run({}, {"sh", "-c", "kill -KILL $$"}).status == 128 + SIGKILL);
}

TEST_CASE("A file without a #! line is run by the shell, one whose interpreter is missing is 126") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const auto plain = harness.directory().Write("plain", "echo \"$1\"; exit 9\n");
  const auto broken = harness.directory().Write("broken", "#!/nonexistent/interpreter\n");
  REQUIRE(chmod(plain.c_str(), 0755) == 0);
  REQUIRE(chmod(broken.c_str(), 0755) == 0);
  const Outcome outcome = harness.Run({}, {plain, "word"});
  CHECK(outcome.status == 9);
  CHECK(outcome.out == "word\n");
  CHECK(harness.Run({}, {broken}).status == 126);
}

TEST_CASE("The command's standard streams and arguments pass through untouched") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const std::string input(300'000, 'x');
  CHECK(harness.Run({"--quiet"}, {"cat"}, {{}, input}).out == input);
  const Outcome outcome = harness.Run({"--quiet"}, {"sh", "-c", "printf '%s|' \"$@\"; echo e >&2",
                                                    "sh", "--allow", "--", "a b", ""});
  CHECK(outcome.out == "--allow|--|a b||");
  CHECK(outcome.err == "e\n");
}

TEST_CASE("Inside, resolv.conf and nsswitch.conf are the session's; outside, nothing changes") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const std::string resolv_conf = Content("/etc/resolv.conf");
  const std::string nsswitch_conf = Content("/etc/nsswitch.conf");
  const Outcome inside = harness.Run(
      {"--quiet"}, {"sh", "-c", "cat /etc/resolv.conf; grep hosts: /etc/nsswitch.conf"});
  CHECK_THAT(inside.out, Contains("\nnameserver 127."));
  CHECK_THAT(inside.out, Contains("\nhosts: files dns\n"));
  CHECK(Content("/etc/resolv.conf") == resolv_conf);
  CHECK(Content("/etc/nsswitch.conf") == nsswitch_conf);
  CHECK_THAT(Content("/proc/self/mountinfo"), !Contains(kOurMount));
}

TEST_CASE(
    "The session's resolver files cannot be written, and no file is left in the state directory") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const Outcome outcome =
      harness.Run({}, {"sh", "-c", "echo nameserver 9.9.9.9 > /etc/resolv.conf"});
  CHECK(outcome.status != 0);
  CHECK_THAT(outcome.err, Contains("Read-only"));
  REQUIRE(harness.DaemonLeaves());
  const Outcome left =
      testing::Run({"ls", "-A", harness.state_dir(), harness.state_dir() + "/gate"});
  CHECK_THAT(left.out, !Contains("resolv") && !Contains("control.sock"));
  CHECK_THAT(left.out, Catch::EndsWith("/gate:\n"));
}

// The C library, where no list says otherwise, searches the domain that the host's name ends in.
TEST_CASE("A denied name is asked for once for each type, and not below the host's own domain") {
  testing::RequireRootWithMounts();
  constexpr char kLookup[] =
      "import socket\n"
      "try: socket.getaddrinfo('secret.evil.example', 443)\n"
      "except socket.gaierror as error: print(error)";
  constexpr char kAsked[] =
      "SELECT group_concat(asked) FROM (SELECT qname || ' ' || qtype || ' ' || sum(count) AS asked "
      "FROM queries GROUP BY qname, qtype ORDER BY asked)";
  const std::pair<const char*, const char*> hosts[] = {
      {"box", "secret.evil.example A 1,secret.evil.example AAAA 1"},
      {"box.corp.example",
       "secret.evil.example A 1,secret.evil.example AAAA 1,"
       "secret.evil.example.invalid A 1,secret.evil.example.invalid AAAA 1"}};
  for (const auto& [host, asked] : hosts) {
    INFO(host);
    const CommandHarness harness;
    const Outcome looked_up = testing::Run(Joined(
        {"unshare", "--uts", "sh", "-c", "hostname \"$1\" && shift && exec \"$@\"", "sh", host},
        harness.RunWords({"--quiet"}, {"python3", "-c", kLookup})));
    CHECK_THAT(looked_up.out, Contains("not known"));
    CHECK_THAT(testing::Run(harness.Namegate({"audit", "sql", kAsked})).out, Contains(asked));
  }
}

TEST_CASE("Mounts do not spread to a host that shares its own, as systemd has it") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const Words host = {"unshare",
                      "--mount",
                      "--propagation",
                      "shared",
                      "sh",
                      "-c",
                      "OUTSIDE=/proc/$$ exec env \"$@\"",
                      "sh"};
  const std::string look = "cat $OUTSIDE/mountinfo $OUTSIDE/root/etc/resolv.conf /etc/resolv.conf";
  const Outcome outcome =
      testing::Run(Joined(host, harness.RunWords({"--quiet"}, {"sh", "-c", look})));
  CHECK(outcome.status == 0);
  const size_t inside = outcome.out.rfind("# This command runs in a session of Namegate");
  REQUIRE(inside != std::string::npos);
  const std::string outside = outcome.out.substr(0, inside);
  CHECK_THAT(outside, Contains(" / r") && !Contains(kOurMount) && !Contains("Namegate"));
}

TEST_CASE("Inside, the state directory is as it is outside") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const Outcome outcome = harness.Run({}, {"test", "-S", harness.state_dir() + "/control.sock"});
  CHECK(outcome.status == 0);
}

TEST_CASE(
    "An allowed name resolves in the command, and a denied one is summed up with its remedy") {
  testing::RequireRootWithMounts();
  const testing::Authority authority(kZone);
  const CommandHarness harness;
  const Words options = {"--upstream", authority.endpoint().ToText(), "--allow-private",
                         "allowed.example:1-65535"};
  const Outcome outcome = harness.Run(
      options, {"sh", "-c", "getent hosts allowed.example; getent hosts other.example; exit 3"});
  CHECK(outcome.status == 3);
  CHECK_THAT(outcome.out, Contains("127.0.0.1"));
  CHECK_THAT(outcome.err, Contains("other.example: not-allowed") &&
                              Contains("--allow other.example:443") &&
                              !Contains("  allowed.example"));
  CHECK(authority.Count("other.example") == 0);
}

TEST_CASE("A refused connection is summed up once, however often it was tried") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const std::string twice =
      "for i in 1 2; do (echo > /dev/tcp/192.0.2.1/81) 2>/dev/null; done; true";
  const Outcome outcome = harness.Run({}, {"bash", "-c", twice});
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.err, Contains("192.0.2.1:81: no-lease (2 times)"));
}

TEST_CASE("The summary is ten lines at most and says where the rest is") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const Outcome outcome = harness.Run(
      {},
      {"sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do getent hosts n$i.example; done; true"});
  CHECK_THAT(outcome.err, Contains("n10.example") && !Contains("n11.example"));
  CHECK_THAT(outcome.err, Contains("and 2 more: namegate audit denied --session 1"));
}

TEST_CASE("Both --quiet and NAMEGATE_QUIET=1 silence notes, the gate's lines and the summary") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const Words command = {"bash", "-c",
                         "exec 2>&1; (echo > /dev/tcp/192.0.2.1/81) 2>/dev/null; true"};
  CHECK(harness.Run({"--quiet"}, command).err.empty());
  CHECK(harness.Run({}, command, {{{"NAMEGATE_QUIET", "1"}}, ""}).err.empty());
  CHECK_FALSE(harness.Run({}, command).err.empty());
}

TEST_CASE("The policy file of the current directory is taken, and named") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  harness.directory().Write(".namegate.toml", "version = 1\nallow = [ \"a.example:1\" ]\n");
  const auto other =
      harness.directory().Write("other.toml", "version = 1\nallow = [ \"b.example:2\" ]\n");
  const Words show = {BuildPath("bin/namegate"), "session", "show", "1", "--state-dir",
                      harness.state_dir()};
  const auto in_directory = [&](const Words& options, const Words& command) {
    return testing::Run(
        Joined({"env", "-C", harness.directory().path()}, harness.RunWords(options, command)));
  };
  const Outcome taken = in_directory({}, show);
  CHECK_THAT(taken.out, Contains("a.example:1"));
  CHECK_THAT(taken.err, Contains("rules from " + harness.directory().File(".namegate.toml")));
  const Outcome named = in_directory({"--policy", other}, {"true"});
  CHECK_THAT(named.err, Contains("other.toml") && !Contains(".namegate.toml"));
  harness.directory().Write(".namegate.toml", "");
  CHECK(in_directory({}, {"true"}).status == 125);
}

TEST_CASE("The gate and its socket are in the command's environment, before other preloads") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const std::string ours = BuildPath("lib/libnamegate.so");
  const Outcome outcome =
      harness.Run({}, {"sh", "-c", "echo $LD_PRELOAD; test -S $NAMEGATE_SOCKET"},
                  {{{"LD_PRELOAD", "libm.so.6"}}, ""});
  CHECK(outcome.status == 0);
  CHECK(outcome.out == ours + ":libm.so.6\n");
}

TEST_CASE("Two runs at once share one daemon, which leaves after the last") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  std::vector<std::unique_ptr<Process>> runs;
  for (int i = 0; i < 6; ++i) {
    runs.push_back(std::make_unique<Process>(
        harness.RunWords({"--quiet"}, {"sh", "-c", "echo here; exec sleep 1000"})));
  }
  for (const auto& run : runs) REQUIRE(run->WaitForOutput("here"));
  CHECK(DaemonsStarted(harness) == 1);
  for (const auto& run : runs) run->Signal(SIGTERM);
  for (const auto& run : runs) CHECK(run->Wait().status == 128 + SIGTERM);
  CHECK(harness.DaemonLeaves());
  CHECK(DaemonsStarted(harness) == 1);
}

TEST_CASE("A run that comes while the daemon is leaving gets a daemon all the same") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  for (int i = 0; i < 20; ++i) CHECK(harness.Run({"--quiet"}, {"sh", "-c", "exit 3"}).status == 3);
}

TEST_CASE("Upstreams that a running daemon does not ask are an error, not ignored") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  Process first(harness.RunWords({"--quiet", "--upstream", "192.0.2.1"},
                                 {"sh", "-c", "echo here; exec sleep 1000"}));
  REQUIRE(first.WaitForOutput("here"));
  const Outcome other = harness.Run({"--upstream", "192.0.2.2"}, {"true"});
  CHECK(other.status == 125);
  CHECK_THAT(other.err, Contains("192.0.2.1:53"));
  CHECK(harness.Run({"--upstream", "192.0.2.1:53"}, {"true"}).status == 0);
}

TEST_CASE("A signal sent to namegate reaches the command") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  Process run(harness.RunWords({"--quiet"},
                               {"bash", "-c",
                                "trap 'echo usr1' USR1; trap 'echo term; exit 5' TERM; echo here; "
                                "while :; do sleep 0.01; done"}));
  REQUIRE(run.WaitForOutput("here"));
  run.Signal(SIGUSR1);
  CHECK(run.WaitForOutput("usr1"));
  run.Signal(SIGTERM);
  CHECK(run.WaitForOutput("term"));
  CHECK(run.Wait().status == 5);
}

TEST_CASE("When namegate is killed the command dies with it and the session closes") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const std::string file = harness.directory().File("pid");
  Process run(
      harness.RunWords({}, {"sh", "-c", "echo $$ > " + file + "; echo here; exec sleep 1000"}));
  REQUIRE(run.WaitForOutput("here"));
  const pid_t command = PidFrom(file);
  REQUIRE(testing::IsAlive(command));
  run.Signal(SIGKILL);
  CHECK(testing::WaitUntilGone(command));
  CHECK(harness.DaemonLeaves());
}

TEST_CASE("When the daemon dies, run says so and exits with 125") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const Outcome outcome = harness.Run(
      {}, {"sh", "-c",
           "kill -KILL $(" + BuildPath("bin/namegate") + " status --json --state-dir " +
               harness.state_dir() + " | sed -n 's/.*\"pid\": \\([0-9]*\\),/\\1/p'); exit 4"});
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("the command itself ended with status 4"));
}

TEST_CASE("A command that never loads the gate is reported as not held back, with 125") {
  testing::RequireRootWithMounts();
  // An unloadable library is skipped by the dynamic loader, with a message and nothing more.
  const CommandHarness harness;
  const testing::TempDir install;
  REQUIRE(testing::Run({"mkdir", install.File("bin"), install.File("lib")}).status == 0);
  for (const char* program : {"namegate", "namegated"}) {
    REQUIRE(testing::Run({"cp", BuildPath("bin/") + program, install.File("bin/")}).status == 0);
  }
  install.Write("lib/libnamegate.so", "this is no library");
  const Outcome outcome =
      testing::Run({install.File("bin/namegate"), "run", "--gate", "preload", "--state-dir",
                    harness.state_dir(), "--", "sh", "-c", "exit 4"});
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("never loaded") && Contains("status 4"));
}

TEST_CASE("Without the library, or without the daemon's program, run says which is missing") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const testing::TempDir install;
  REQUIRE(testing::Run({"mkdir", install.File("bin"), install.File("lib")}).status == 0);
  REQUIRE(testing::Run({"cp", BuildPath("bin/namegate"), install.File("bin/")}).status == 0);
  const Words words = {install.File("bin/namegate"), "run", "--gate", "preload", "--state-dir",
                       harness.state_dir(),          "--",  "true"};
  const Outcome no_library = testing::Run(words);
  CHECK(no_library.status == 125);
  CHECK_THAT(no_library.err, Contains("libnamegate.so is not installed"));
  install.Write("lib/libnamegate.so", "this is no library");
  const Outcome no_daemon = testing::Run(words);
  CHECK(no_daemon.status == 125);
  CHECK_THAT(no_daemon.err, Contains("namegated is not installed"));
}

// The command line in front of a command that makes it an ordinary user's.
Words AsNobody() { return {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}; }

bool NobodyCanRun(const std::string& program) {
  return testing::Run(Joined(AsNobody(), {"test", "-x", program})).status == 0;
}

std::string NobodysDirectory(const testing::TempDir& directory) {
  const std::string path = directory.File("nobody");
  REQUIRE(mkdir(path.c_str(), 0755) == 0);
  REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
  return path;
}

TEST_CASE("An ordinary user who may not bind port 53 is told what is missing, and nothing runs") {
  testing::RequireRootWithMounts();
  if (!NobodyCanRun(BuildPath("bin/namegated")) ||
      std::stoi(Content("/proc/sys/net/ipv4/ip_unprivileged_port_start")) <= 53) {
    testing::Skip("the build is not readable for others, or port 53 is free for all");
  }
  const testing::TempDir directory;
  const std::string home = NobodysDirectory(directory);
  const Outcome outcome =
      testing::Run(Joined(AsNobody(), {"env", "HOME=" + home, BuildPath("bin/namegate"), "run",
                                       "--gate", "preload", "--", "touch", home + "/x"}));
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("ip_unprivileged_port_start") && Contains("setcap"));
  CHECK(access((home + "/x").c_str(), F_OK) != 0);
}

TEST_CASE("An ordinary user who may bind port 53 runs a command, as himself") {
  testing::RequireRootWithMounts();
  const bool namespaces =
      testing::Run(Joined(AsNobody(), {"unshare", "--user", "--mount", "true"})).status == 0;
  if (!NobodyCanRun(BuildPath("bin/namegated")) || !namespaces) {
    testing::Skip("the build is not readable for others, or users may not make user namespaces");
  }
  const testing::TempDir directory;
  const std::string home = NobodysDirectory(directory);
  const std::string allow =
      "ip link set lo up && echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start && exec \"$@\"";
  const Words words = Joined(
      Joined({"unshare", "--net", "sh", "-c", allow, "sh"}, AsNobody()),
      {"env", "HOME=" + home, BuildPath("bin/namegate"), "run", "--gate", "preload", "--upstream",
       "192.0.2.1", "--quiet", "--", "sh", "-c", "id -u; id -g; cat /etc/resolv.conf; exit 5"});
  const Outcome outcome = testing::Run(words);
  CHECK(outcome.status == 5);
  CHECK(outcome.err.empty());
  CHECK_THAT(outcome.out, Catch::StartsWith("65534\n65534\n") && Contains("nameserver 127."));
}

TEST_CASE("In a chroot, what stands in the way is named") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  const auto in_chroot = [](const Words& words) {
    const testing::TempDir root;
    const Words enter = {"unshare",
                         "--mount",
                         "sh",
                         "-c",
                         "for entry in /*; do\n"
                         "  if test -h $entry; then cp -P $entry \"$0\"\n"
                         "  elif test -d $entry; then\n"
                         "    mkdir \"$0$entry\" && mount --rbind $entry \"$0$entry\"\n"
                         "  fi\n"
                         "done\n"
                         "exec chroot \"$0\" \"$@\"",
                         root.path()};
    return testing::Run(Joined(enter, words));
  };
  const Outcome preload = in_chroot(harness.RunWords({}, {"true"}));
  CHECK(preload.status == 125);
  CHECK_THAT(preload.err, Contains("mount --bind DIR DIR"));
  const Outcome enclave = in_chroot(
      {BuildPath("bin/namegate"), "run", "--state-dir", harness.state_dir(), "--", "true"});
  CHECK(enclave.status == 125);
  CHECK_THAT(enclave.err, Contains("in a chroot"));
}

}  // namespace
}  // namespace namegate
