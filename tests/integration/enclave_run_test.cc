// Where and as whom a command can be run in the enclave.

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <memory>

#include "gate/enclave/child_job.h"
#include "gate/enclave/networks.h"
#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

TEST_CASE_METHOD(EnclaveFixture,
                 "It runs inside itself, and the inner rules hold within the outer ones") {
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
  // The inner relay is told EACCES by the outer gate, as by a route that prohibits.
  CHECK(outcome.out == "connect: OK\nconnect: EHOSTUNREACH\n");
  CHECK(denied.accepted() == 0);
}

TEST_CASE_METHOD(EnclaveFixture, "An ordinary user needs no privilege") {
  NeedRoot("become another user");
  NeedPrograms({"setpriv"});
  const TcpServer server(kHost, Echo);
  const std::string home = directory().File("home");
  REQUIRE(mkdir(home.c_str(), 0700) == 0);
  REQUIRE(chown(home.c_str(), 65534, 65534) == 0);
  REQUIRE(chmod(directory().path().c_str(), 0755) == 0);
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
  const Outcome outcome = testing::Run(kAsNobody + run);
  INFO(outcome.err);
  CHECK(outcome.out == "65534\nconnect: OK\nconnect: ECONNREFUSED\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "It runs in a container's user namespace, where one id alone exists") {
  NeedPrograms({"unshare"});
  const TcpServer server(kHost, Echo);
  const Words container = {"unshare", "--user", "--map-root-user", "--mount"};
  const Outcome outcome = testing::Run(
      container + RunWords({std::string(kHost) + ":1-65535"},
                           {Sandboxee("enclave_static"), kHost, server.port_text(), kOther, "1"}));
  INFO(outcome.err);
  CHECK(outcome.out == "connect: OK\nconnect: ECONNREFUSED\n");
}

TEST_CASE_METHOD(EnclaveFixture, "Root's command can become another user, and is held as such") {
  NeedRoot("become another user");
  NeedPrograms({"setpriv"});
  const TcpServer server(kHost, Echo);
  const Outcome outcome =
      Run({std::string(kHost) + ":1-65535"},
          {"setpriv", "--reuid", "42", "--regid", "65534", "--clear-groups", "sh", "-c",
           "id -u; exec " + Sandboxee("enclave_static") + " " + kHost + " " + server.port_text() +
               " " + kOther + " 1"});
  INFO(outcome.err);
  CHECK(outcome.out == "42\nconnect: OK\nconnect: ECONNREFUSED\n");
}

TEST_CASE_METHOD(EnclaveFixture, "Many sessions at once have each their own rules") {
  std::vector<std::unique_ptr<TcpServer>> servers;
  std::vector<std::unique_ptr<Process>> sessions;
  for (int i = 0; i < 8; ++i) servers.push_back(std::make_unique<TcpServer>(kHost, Echo));
  for (size_t i = 0; i < servers.size(); ++i) {
    const std::string own = servers[i]->port_text();
    const std::string next = servers[(i + 1) % servers.size()]->port_text();
    sessions.push_back(std::make_unique<Process>(RunWords(
        {std::string(kHost) + ":" + own}, {Sandboxee("enclave_static"), kHost, own, kHost, next})));
  }
  for (const auto& session : sessions) {
    CHECK(session->Wait().out == "connect: OK\nconnect: ECONNREFUSED\n");
  }
  CHECK(Ask("SELECT count(DISTINCT session), count(*) FROM connections") == "8|16\n");
}

// G, where reverse paths are filtered by default; S is made beside it, and is there, with the
// device between them, for as long as what is returned is open.
Result<UniqueFd> MakeStrictGateway() {
  if (unshare(CLONE_NEWNET) != 0) return Error{"make a network namespace"};
  UniqueFd sandbox(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (unshare(CLONE_NEWNET) != 0) return Error{"make another network namespace"};
  auto done = enclave::SetSysctl("net/ipv4/conf/default/rp_filter", "1");
  if (done) done = enclave::PrepareGateway();
  if (done) done = enclave::LinkToSandbox(sandbox.get());
  if (done) done = enclave::ConfigureGateway();
  if (!done) return done.error();
  return sandbox;
}

TEST_CASE_METHOD(EnclaveFixture, "What the host lacks is named with the remedy") {
  NeedPrograms({"unshare"});
  const Words limited = {
      "unshare", "--user", "--map-root-user",
      "sh",      "-c",     "echo 0 > /proc/sys/user/max_net_namespaces && exec \"$@\"",
      "sh"};
  const Outcome outcome = testing::Run(limited + RunWords({}, {"true"}));
  CHECK(outcome.status == 125);
  CHECK_THAT(outcome.err, Contains("user.max_net_namespaces"));
}

TEST_CASE_METHOD(EnclaveFixture, "The gateway takes packets where the host filters reverse paths") {
  const auto made = enclave::DoInChild([]() -> Result<void> {
    const auto sandbox = MakeStrictGateway();
    if (!sandbox) return sandbox.error();
    for (const char* device : {"all", "lo", "veth0"}) {
      std::ifstream file(std::string("/proc/sys/net/ipv4/conf/") + device + "/rp_filter");
      std::string value;
      std::getline(file, value);
      if (value != "0") return Error{std::string(device) + " filters: " + value};
    }
    return {};
  });
  INFO((made ? "" : made.error().message));
  CHECK(made.ok());
}

TEST_CASE_METHOD(EnclaveFixture, "A command that does not exist has the shell's status") {
  CHECK(Run({}, {"/nonexistent/program"}).status == 127);
  CHECK(Run({}, {"/etc/passwd"}).status == 126);
}

TEST_CASE_METHOD(EnclaveFixture,
                 "A command that closes all it has, or has no descriptor left, is held") {
  const TcpServer denied(kOther, Echo);
  Run({}, {"sh", "-c",
           "exec <&- >&- 2>&-; exec " + Sandboxee("enclave_static") + " " + kOther + " " +
               denied.port_text()});
  Run({}, {Sandboxee("no_descriptors"), kOther, denied.port_text()});
  CHECK(denied.accepted() == 0);
  CHECK(Rows("address, verdict") == "203.0.113.2|deny\n203.0.113.2|deny\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "A command that forks all it may is held in each of its processes") {
  const TcpServer denied(kOther, Echo);
  const Outcome outcome =
      Run({}, {"python3", "-c",
               "import os, resource, socket, sys\n"
               "resource.setrlimit(resource.RLIMIT_NPROC, (300, 300))\n"
               "children = refused = 0\n"
               "for i in range(200):\n"
               "    try: child = os.fork()\n"
               "    except OSError: break\n"
               "    if child == 0:\n"
               "        os._exit(socket.socket().connect_ex((sys.argv[1], int(sys.argv[2]))))\n"
               "    children += 1\n"
               "for i in range(children):\n"
               "    refused += os.waitstatus_to_exitcode(os.wait()[1]) in (13, 111)\n"
               "print(children > 0 and refused == children)\n",
               kOther, denied.port_text()});
  INFO(outcome.err);
  CHECK(outcome.out == "True\n");
  CHECK(denied.accepted() == 0);
}

TEST_CASE_METHOD(EnclaveFixture,
                 "What was denied is told at the end, with the rule that would allow it") {
  Words words = RunWords({}, {Sandboxee("enclave_static"), kOther, "443"});
  std::erase(words, "--quiet");
  const Outcome outcome = testing::Run(words);
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.err, Contains("--allow 203.0.113.2:443"));
}

TEST_CASE_METHOD(EnclaveFixture, "Who means the host's loopback is told that it is not there") {
  const auto run = [&](const std::string& rule, const std::string& name) {
    const Words words =
        Namegate({"run"}) + Words{"--upstream", upstream(), "--allow-private", rule};
    return testing::Run(words + Words{"--", "getent", "ahostsv4", name});
  };
  const Outcome answered = run("local.example:443", "local.example");
  CHECK_THAT(answered.err, Contains("loopback") && Contains("local.example: 127.0.0.5"));
  CHECK_THAT(answered.err, !Contains("needs no rule"));
  const Outcome ruled = run("127.0.0.1:5432", "localhost");
  CHECK_THAT(ruled.err, Contains("127.0.0.1:5432 is the command's own loopback"));
  CHECK_THAT(ruled.err, !Contains("answered with"));
  CHECK(run("a.example:443", "a.example").err.empty());
}

}  // namespace
}  // namespace namegate::testing
