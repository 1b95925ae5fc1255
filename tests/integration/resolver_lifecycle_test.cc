// Starting, stopping, dying, and a ledger that cannot be written: nothing is ever answered without
// being recorded first.

#include <catch2/catch.hpp>
#include <csignal>
#include <set>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

TEST_CASE("A second daemon on the same state directory refuses and says why") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  REQUIRE(daemon.readiness() == "ready");
  const Outcome second =
      Run({BuildPath("bin/namegated"), "--state-dir", daemon.paths().directory()});
  CHECK(second.status != 0);
  CHECK_THAT(second.err, Catch::Contains(daemon.paths().directory()));
  CHECK(Ask(daemon.OpenSession(Texts{kExampleRule}).nameserver, kExampleName).rcode == "NOERROR");
}

TEST_CASE("Another user's state directory is refused with what to do instead") {
  NeedRoot("become another user");
  NeedPrograms({"setpriv"});
  const TempDir directory;
  REQUIRE(StatePaths(directory.path()).Create());
  Texts command = kAsNobody;
  command.insert(command.end(), {BuildPath("bin/namegated"), "--state-dir", directory.path()});
  const Outcome outcome = Run(command);
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err,
             Catch::Contains("'" + directory.path() + "': it belongs to another user") &&
                 Catch::Contains("--state-dir"));
}

TEST_CASE("A configuration with a mistake is refused at start with its place") {
  Daemon daemon(DaemonOptions{{}, "upstreams = []\n", {}});
  CHECK_THAT(daemon.readiness(), Catch::StartsWith("error: "));
  CHECK_THAT(daemon.readiness(), Catch::Contains("namegate.toml:2:1: unknown key 'upstreams'"));
  CHECK(daemon.process().Wait().status == 1);
}

TEST_CASE("A ledger that is no database refuses the start, and is left as it was") {
  const Authority authority(kExampleRecords);
  const TempDir directory;
  REQUIRE(StatePaths(directory.path()).Create());
  const std::string text(4096, 'x');
  directory.Write("ledger.db", text);
  const Outcome outcome = Run({BuildPath("bin/namegated"), "--state-dir", directory.path(),
                               "--upstream", authority.endpoint().ToText()});
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, Catch::Contains("ledger.db"));
  CHECK(ReadFile(directory.File("ledger.db")) == text);
}

TEST_CASE("SIGTERM: what was accepted is answered and recorded, then the exit is 0") {
  Authority authority(kExampleRecords);
  authority.Hold(kExampleName);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  const UdpClient client(session.nameserver);
  client.Send(MakeQuery(kExampleName, "A"));
  REQUIRE(daemon.WaitForStatus("in_flight", 1));
  daemon.process().Signal(SIGTERM);
  authority.Release(kExampleName);
  const auto reply = client.Receive();
  REQUIRE(reply);
  CHECK((reply->rcode == "NOERROR" || reply->rcode == "SERVFAIL"));
  CHECK(daemon.process().Wait().status == 0);
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 1);
  CHECK(daemon.Rows("SELECT close_reason FROM sessions") == Texts{"-"});  // open for the next
}

TEST_CASE("SIGTERM ends a daemon that has nothing to do") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  REQUIRE(daemon.readiness() == "ready");
  CHECK(daemon.Stop().status == 0);
}

TEST_CASE("Killed at any moment, everything that a client received is in the ledger") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  for (int round = 0; round < 3; ++round) {
    const TestSession session = daemon.OpenSession(Texts{kExampleRule});
    const UdpClient client(session.nameserver);
    std::set<std::string> received;
    constexpr int kWindow = 64;  // queries in flight when the end comes
    for (int i = 0; i < 600 + kWindow; ++i) {
      const std::string name = "r" + std::to_string(round) + "q" + std::to_string(i) + ".example";
      client.Send(MakeQuery(name, "A"));
      if (i < kWindow) continue;
      const auto reply = client.Receive();
      REQUIRE(reply);
      received.insert(reply->question.substr(0, reply->question.find(". IN")));
    }
    daemon.Kill();
    while (const auto reply = client.Receive(std::chrono::milliseconds(0))) {
      received.insert(reply->question.substr(0, reply->question.find(". IN")));
    }
    const auto rows = daemon.Rows(
        "SELECT qname FROM queries WHERE session = " + std::to_string(session.id) + " ORDER BY id");
    const std::set<std::string> recorded(rows.begin(), rows.end());
    CHECK(recorded.size() == rows.size());  // and nothing twice
    for (const std::string& name : received) CHECK(recorded.contains(name));
    daemon.Start();
    REQUIRE(daemon.readiness() == "ready");
  }
  // Nobody owned them, so they are open still.
  CHECK(daemon.Number("SELECT count(*) FROM sessions WHERE closed IS NULL") == 3);
}

TEST_CASE("While the ledger cannot be written nothing is answered, and when it can again, it is") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  {
    // Another writer that does not let go is the plainest way to make a commit fail.
    auto blocker = Database::Open(daemon.paths().ledger(), Database::Mode::kReadWriteCreate);
    REQUIRE(blocker);
    REQUIRE(blocker->Execute("BEGIN IMMEDIATE"));
    const Reply reply = Ask(session.nameserver, kExampleName);
    CHECK(reply.rcode == "SERVFAIL");
    CHECK(reply.ede == 14);
    CHECK(reply.answers.empty());
  }
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 0);
  CHECK(Ask(session.nameserver, kExampleName).data() == Texts{"192.0.2.7"});
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 1);
}

TEST_CASE("A daemon told to exit when idle leaves when the last session and connection are gone") {
  const Authority authority(kExampleRecords);
  Daemon daemon({{authority.endpoint()}, "", {"--exit-when-idle"}});
  REQUIRE(daemon.readiness() == "ready");
  {
    auto client = ControlClient::Connect(daemon.paths().control_socket());
    REQUIRE(client);
    const auto opened =
        client->Call({{"command", "session.open"}, {"owned", true}, {"listen", RandomLoopback()}});
    REQUIRE(opened);
  }
  CHECK(daemon.process().Wait().status == 0);
  CHECK(daemon.Rows("SELECT close_reason FROM sessions") == Texts{"owner-gone"});
}

TEST_CASE("A daemon told to exit when idle leaves if nobody ever comes") {
  const Authority authority(kExampleRecords);
  Daemon daemon({{authority.endpoint()}, "", {"--exit-when-idle"}});
  REQUIRE(daemon.readiness() == "ready");
  CHECK(daemon.process().Wait().status == 0);  // after ten seconds
}

TEST_CASE("One query gives exactly one row on every path, shutdown included") {
  Authority authority(kExampleRecords);
  authority.Hold("held.example.org");
  authority.On("silent.example.org", Silence());
  Daemon daemon(authority.endpoint());
  const TestSession one = daemon.OpenSession(Texts{"*.example.org:443"});
  const TestSession two = daemon.OpenSession(Texts{"*.example.org:443"});
  const UdpClient client(one.nameserver);
  const UdpClient other(two.nameserver);
  Ask(one.nameserver, kExampleName);                  // allowed
  Ask(one.nameserver, kExampleName);                  // from the cache
  AskTcp(two.nameserver, kExampleName);               // the same over TCP
  Ask(one.nameserver, "denied.example.net");          // denied
  Ask(one.nameserver, kExampleName, "TXT");           // a type
  Ask(one.nameserver, "localhost");                   // special
  Ask(one.nameserver, "silent.example.org");          // timeout
  client.Send({0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0});  // malformed
  REQUIRE(client.Receive());
  client.Send(MakeQuery("held.example.org", "A"));  // coalesced, and
  other.Send(MakeQuery("held.example.org", "A"));   // answered while stopping
  REQUIRE(daemon.WaitForStatus("in_flight", 2));
  daemon.process().Signal(SIGTERM);
  authority.Release("held.example.org");
  REQUIRE(client.Receive());
  REQUIRE(other.Receive());
  REQUIRE(daemon.process().Wait().status == 0);
  CHECK(daemon.Rows("SELECT reason, source, transport, count(*) FROM queries "
                    "WHERE qname IS NOT 'held.example.org' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3") ==
        Texts{"malformed|local|udp|1", "not-allowed|local|udp|1", "rule|cache|tcp|1",
              "rule|cache|udp|1", "rule|upstream|udp|1", "special-name|local|udp|1",
              "type-not-allowed|local|udp|1", "upstream-timeout|upstream|udp|1"});
  CHECK(daemon.Rows("SELECT session, count(*) FROM queries WHERE qname = 'held.example.org' "
                    "GROUP BY session ORDER BY session") ==
        Texts{std::to_string(one.id) + "|1", std::to_string(two.id) + "|1"});
}

}  // namespace
}  // namespace namegate::testing
