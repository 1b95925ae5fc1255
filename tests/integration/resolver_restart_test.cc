// A daemon that comes back, after SIGTERM or kill -9: sessions that nobody owns are as they were.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

constexpr char kRestartRecords[] =
    "a.example.org. 60 IN A 192.0.2.7\n"
    "p.example.org. 60 IN A 10.1.2.3\n";

int64_t Leases(Daemon& daemon, const TestSession& session) {
  const auto response =
      daemon.control().Call({{"command", "session.show"}, {"session", session.id}});
  if (!response) throw std::runtime_error(response.error().message);
  return (*response)["session"]["leases"].get<int64_t>();
}

TEST_CASE("A session opened by hand is there again after a restart, with policy and leases") {
  const Authority authority(kRestartRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{"a.example.org:443"});
  const TestSession within = daemon.OpenPrivateSession(Texts{"p.example.org:5432"});
  REQUIRE(Ask(session.nameserver, "a.example.org").data() == Texts{"192.0.2.7"});
  REQUIRE(Ask(within.nameserver, "p.example.org").data() == Texts{"10.1.2.3"});
  const bool killed = GENERATE(true, false);
  if (killed) {
    daemon.Kill();
  } else {
    CHECK(daemon.Stop().status == 0);
  }
  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  CHECK(daemon.Status("sessions") == 2);
  CHECK(Leases(daemon, session) == 1);
  CHECK(Leases(daemon, within) == 1);
  CHECK(Ask(session.nameserver, "b.example.org").rcode == "NXDOMAIN");
  CHECK(Ask(session.nameserver, "a.example.org").data() == Texts{"192.0.2.7"});
  CHECK(access(session.gate_socket.c_str(), F_OK) == 0);
  CHECK(daemon.Number("SELECT count(*) FROM sessions WHERE closed IS NULL") == 2);
  daemon.CloseSession(session);
  CHECK(daemon.OpenSession(Texts{"a.example.org:443"}).id == 3);
}

TEST_CASE("A session whose owner does not come back to a restarted daemon is closed") {
  const Authority authority(kRestartRecords);
  Daemon daemon(DaemonOptions{{authority.endpoint()}, "owner_patience_s = 0\n", {}});
  const TestSession session = daemon.OpenSessionBy({{"owned", true}});
  daemon.Kill();
  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  CHECK(daemon.WaitForStatus("sessions", 0));
  CHECK(daemon.Stop().status == 0);
  CHECK(daemon.Rows("SELECT close_reason FROM sessions") == Texts{"owner-gone"});
}

TEST_CASE("A session whose owner comes back goes on, and ends with its owner") {
  const Authority authority(kRestartRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session =
      daemon.OpenSessionBy({{"owned", true}, {"allow", Texts{"a.example.org:443"}}});
  const auto adopt = [&](ControlClient& client) {
    return client.Call({{"command", "session.adopt"}, {"session", session.id}});
  };
  CHECK_FALSE(adopt(daemon.control()));  // it has an owner
  daemon.Kill();
  daemon.Start();
  CHECK(Ask(session.nameserver, "a.example.org").data() == Texts{"192.0.2.7"});
  {
    auto owner = ControlClient::Connect(daemon.paths().control_socket());
    REQUIRE(owner);
    CHECK(adopt(*owner));
    CHECK_FALSE(adopt(daemon.control()));  // it has one again
    CHECK(daemon.Status("sessions") == 1);
  }
  CHECK(daemon.WaitForStatus("sessions", 0));
  CHECK(daemon.Stop().status == 0);
  CHECK(daemon.Rows("SELECT session, close_reason FROM sessions") == Texts{"1|owner-gone"});
}

TEST_CASE("A session whose address is taken when the daemon comes back is closed, and it starts") {
  const Authority authority(kRestartRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{"a.example.org:443"});
  daemon.Kill();
  const UniqueFd squatter(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(session.nameserver.port);
  const std::string text = session.nameserver.address.ToText();
  REQUIRE(inet_pton(AF_INET, text.c_str(), &address.sin_addr) == 1);
  REQUIRE(bind(squatter.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  CHECK(daemon.Status("sessions") == 0);
  CHECK(daemon.Stop().status == 0);
  CHECK(daemon.Rows("SELECT close_reason FROM sessions") == Texts{"not-restored"});
}

TEST_CASE("A session that was said to be closed is closed in the ledger") {
  const Authority authority(kRestartRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{"a.example.org:443"});
  daemon.CloseSession(session);
  CHECK(daemon.Rows("SELECT close_reason FROM sessions") == Texts{"closed"});
}

TEST_CASE("A closing that cannot be recorded is said to be so, and recorded when it can be") {
  const Authority authority(kRestartRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{"a.example.org:443"});
  auto blocker = Database::Open(daemon.paths().ledger(), Database::Mode::kReadWriteCreate);
  REQUIRE(blocker);
  REQUIRE(blocker->Execute("BEGIN IMMEDIATE"));
  const auto response =
      daemon.control().Call({{"command", "session.close"}, {"session", session.id}});
  REQUIRE_FALSE(response);
  CHECK_THAT(response.error().message, Catch::Contains("the ledger cannot be written"));
  CHECK(daemon.Status("sessions") == 0);
  REQUIRE(blocker->Execute("ROLLBACK"));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (daemon.Rows("SELECT close_reason FROM sessions") != Texts{"closed"}) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

TEST_CASE("A session whose closing was never recorded is open after kill -9, and can be closed") {
  const Authority authority(kRestartRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{"a.example.org:443"});
  {
    auto blocker = Database::Open(daemon.paths().ledger(), Database::Mode::kReadWriteCreate);
    REQUIRE(blocker);
    REQUIRE(blocker->Execute("BEGIN IMMEDIATE"));
    REQUIRE_FALSE(daemon.control().Call({{"command", "session.close"}, {"session", session.id}}));
    daemon.Kill();
  }
  daemon.Start();
  REQUIRE(daemon.readiness() == "ready");
  CHECK(daemon.Status("sessions") == 1);
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  daemon.CloseSession(session);
  CHECK(daemon.Rows("SELECT close_reason FROM sessions") == Texts{"closed"});
}

}  // namespace
}  // namespace namegate::testing
