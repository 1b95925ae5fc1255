// `namegate session attach`: the gateway in front of a network namespace that was there before.

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/enclave_capture.h"
#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"
#include "tests/support/wait.h"

namespace namegate::testing {
namespace {

using Catch::Contains;
using Hosts = std::set<std::string>;

// Stands in for a container without a network. Takes root, as attaching does.
class Container {
 public:
  // `setup` is done in it first, by a shell.
  explicit Container(const std::string& setup = "true")
      : process_({"unshare", "--net", "sh", "-c", setup + "; echo ready; exec sleep infinity"}) {
    REQUIRE(process_.WaitForOutput("ready"));
  }

  std::string pid() const { return std::to_string(process_.pid()); }
  void Kill() const { process_.Signal(SIGKILL); }
  Outcome Run(const Words& command) const {
    return testing::Run(Words{"nsenter", "--target", pid(), "--net", "--"} + command);
  }
  std::string Devices() const {
    return Run({"python3", "-c",
                "import socket; print(*sorted(name for _, name in socket.if_nameindex()))"})
        .out;
  }

 private:
  Process process_;
};

class AttachFixture : public EnclaveFixture {
 public:
  Words AttachWords(const std::string& pid, const Words& allow = {}) const {
    Words words = Namegate({"session", "attach", "--upstream", upstream(), "--pid", pid});
    for (const std::string& rule : allow) words = words + Words{"--allow-private", rule};
    return words;
  }
  Outcome Attach(const std::string& pid) const { return testing::Run(AttachWords(pid)); }
  Outcome Connect(const Container& from, const std::string& host, const std::string& port) const {
    return from.Run({Sandboxee("enclave_static"), host, port});
  }
};

// One that is attached, until it is told to end.
class Attached {
 public:
  Attached(const AttachFixture& fixture, const Container& container, const Words& allow)
      : process_(fixture.AttachWords(container.pid(), allow)) {
    const bool announced = process_.WaitForOutput("nameserver");
    INFO(process_.error());
    REQUIRE(announced);
  }
  void Signal(int signal) const { process_.Signal(signal); }
  Outcome Wait() { return process_.Wait(); }

 private:
  Process process_;
};

void NeedAttach() {
  NeedRoot("attach");
  NeedPrograms({"unshare", "nsenter"});
}

TEST_CASE_METHOD(AttachFixture, "An attached namespace reaches what its session allows, no more") {
  NeedAttach();
  const TcpServer server(kHost, Echo);
  const TcpServer denied(kOther, Echo);
  Container container;
  CHECK_THAT(Connect(container, kHost, server.port_text()).out, Contains("ENETUNREACH"));
  Attached attached(*this, container, {std::string(kHost) + ":1-65535"});
  Capture capture;
  CHECK(Connect(container, kHost, server.port_text()).out == "connect: OK\n");
  CHECK(Connect(container, kOther, denied.port_text()).out == "connect: ECONNREFUSED\n");
  CHECK(capture.Seen() == Hosts{kHost});
  attached.Signal(SIGTERM);
  const Outcome outcome = attached.Wait();
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.err, Contains(std::string(kOther) + ":" + denied.port_text()));
  CHECK(Rows("verdict, address") == std::string("allow|") + kHost + "\ndeny|" + kOther + "\n");
  CHECK(container.Devices() == "lo\n");
}

TEST_CASE_METHOD(AttachFixture, "In an attached namespace any name server's address is ours") {
  NeedAttach();
  NeedPrograms({"dig"});
  Container container;
  const Attached attached(*this, container, {"a.example:443"});
  const Words dig = {"dig", "+short", "+tries=1", "@8.8.8.8"};
  CHECK(container.Run(dig + Words{"a.example"}).out == "203.0.113.1\n");
  CHECK(container.Run(dig + Words{"+tcp", "a.example"}).out == "203.0.113.1\n");
  CHECK(container.Run(dig + Words{"two.example"}).out.empty());
}

TEST_CASE_METHOD(AttachFixture, "When the attaching command is killed the network is gone") {
  NeedAttach();
  const TcpServer server(kHost, Echo);
  Container container;
  Attached attached(*this, container, {kEverywhere});
  REQUIRE(Connect(container, kHost, server.port_text()).out == "connect: OK\n");
  attached.Signal(SIGKILL);
  attached.Wait();
  CHECK(container
            .Run({"python3", "-c",
                  "import socket, sys\n"
                  "while len(socket.if_nameindex()) > 1: pass\n"
                  "print(socket.socket().connect_ex((sys.argv[1], int(sys.argv[2]))))\n",
                  kHost, server.port_text()})
            .out == "101\n");
  CHECK(server.accepted() == 1);
  // What is left of it does not stand in the way of the next.
  const Attached again(*this, container, {kEverywhere});
  CHECK(Connect(container, kHost, server.port_text()).out == "connect: OK\n");
}

TEST_CASE_METHOD(AttachFixture, "An attachment ends with the process it was attached to") {
  NeedAttach();
  Container container;
  Attached attached(*this, container, {kEverywhere});
  container.Kill();
  CHECK(attached.Wait().status == 0);
}

TEST_CASE_METHOD(AttachFixture, "An attachment ends with its session, and says so") {
  NeedAttach();
  Container container;
  Attached attached(*this, container, {kEverywhere});
  CHECK(testing::Run(Namegate({"session", "close", "pid-" + container.pid()})).status == 0);
  const Outcome outcome = attached.Wait();
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, Contains("the session was closed"));
  CHECK(container.Devices() == "lo\n");
}

TEST_CASE_METHOD(AttachFixture,
                 "An attachment tells what was denied before its daemon was killed") {
  NeedAttach();
  const TcpServer server(kHost, Echo);
  Container container;
  Attached attached(*this, container, {std::string(kHost) + ":1-65535"});
  REQUIRE(Connect(container, kOther, "443").out == "connect: ECONNREFUSED\n");
  const pid_t killed = DaemonOf();
  REQUIRE(killed > 0);
  kill(killed, SIGKILL);
  // The attaching command starts the next one, for the same session.
  REQUIRE(WaitFor([&] { return DaemonOf() > 0 && DaemonOf() != killed; }));
  CHECK(WaitFor(
      [&] { return Connect(container, kHost, server.port_text()).out == "connect: OK\n"; }));
  attached.Signal(SIGTERM);
  const Outcome outcome = attached.Wait();
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.err, Contains("--allow 203.0.113.2:443"));
}

TEST_CASE_METHOD(AttachFixture, "A namespace is attached once at a time") {
  NeedAttach();
  const TcpServer server(kHost, Echo);
  Container container;
  const Attached attached(*this, container, {kEverywhere});
  const Outcome second = Attach(container.pid());
  CHECK(second.status == 1);
  CHECK_THAT(second.err, Contains("another session attached"));
  CHECK(Connect(container, kHost, server.port_text()).out == "connect: OK\n");
}

TEST_CASE_METHOD(AttachFixture, "A namespace without IPv6 is attached without it") {
  NeedAttach();
  const TcpServer server(kHost, Echo);
  Container container("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
  const Attached attached(*this, container, {kEverywhere});
  CHECK(Connect(container, kHost, server.port_text()).out == "connect: OK\n");
}

TEST_CASE_METHOD(AttachFixture, "What could lead past the gateway is refused, and left as it is") {
  NeedAttach();
  NeedPrograms({"ip"});
  const Container veth("ip link add one type veth peer name two");
  CHECK_THAT(Attach(veth.pid()).err, Contains("which could lead past the gateway"));
  CHECK(veth.Devices() == "lo one two\n");
  const Container routed("ip link set lo up; ip route add default dev lo");
  CHECK_THAT(Attach(routed.pid()).err, Contains("a default route already"));
  const Container routed6("ip link set lo up; ip -6 route add default dev lo");
  CHECK_THAT(Attach(routed6.pid()).err, Contains("a default route already"));
  CHECK(routed6.Devices() == "lo\n");
  // Seen before there is a session.
  CHECK(access(state_dir().c_str(), F_OK) != 0);
}

TEST_CASE_METHOD(AttachFixture, "Only a process in a network of its own is attached to") {
  NeedRoot("attach");
  const Outcome own = Attach(std::to_string(getpid()));
  CHECK(own.status == 1);
  CHECK_THAT(own.err, Contains("the network of this host itself"));
  Process ended({"true"});
  const std::string pid = std::to_string(ended.pid());
  ended.Wait();
  CHECK_THAT(Attach(pid).err, Contains("there is no process " + pid));
}

TEST_CASE_METHOD(AttachFixture, "Attaching takes root, and a number for a process") {
  for (const char* pid : {"", "x", "0", "-1", "4194305", "99999999999999999999"}) {
    INFO(pid);
    CHECK(Attach(pid).status == 2);
  }
  CHECK(testing::Run(Namegate({"session", "attach"})).status == 2);
  Words words = AttachWords(std::to_string(getpid()));
  if (geteuid() == 0) {
    if (!HaveProgram("setpriv")) return;
    words = kAsNobody + words;
  }
  const Outcome outcome = testing::Run(words);
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, Contains("only root"));
}

}  // namespace
}  // namespace namegate::testing
