// What hostile, broken and greedy clients get, on every socket of the daemon.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "common/gate_protocol.h"
#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

Bytes Header(uint16_t flags, uint8_t questions) {
  return {0x12,
          0x34,
          static_cast<uint8_t>(flags >> 8),
          static_cast<uint8_t>(flags & 0xff),
          0,
          questions,
          0,
          0,
          0,
          0,
          0,
          0};
}

Bytes Joined(Bytes head, const Bytes& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

// The reply that a datagram gets, or nothing.
std::optional<Reply> Try(const TestSession& session, const Bytes& datagram) {
  const UdpClient client(session.nameserver);
  client.Send(datagram);
  return client.Receive(kSilence);
}

// A raw client of the control socket.
class ControlPeer {
 public:
  explicit ControlPeer(const std::string& path)
      : socket_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ =
        connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  bool connected() const { return connected_; }
  // The line that answers `text`; empty if the daemon closed the connection instead.
  std::string Say(const std::string& text) const {
    send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    std::string line;
    for (char octet; recv(socket_.get(), &octet, 1, 0) == 1 && octet != '\n';) line += octet;
    return line;
  }

 private:
  UniqueFd socket_;
  bool connected_ = false;
};

TEST_CASE("A malformed question gets FORMERR under its ID, and a row") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  const Bytes query = MakeQuery("a.example.org", "A");
  const std::vector<std::pair<std::string, Bytes>> broken = {
      {"a pointer to itself", Joined(Header(0x0100, 1), {0xc0, 0x0c, 0, 1, 0, 1})},
      {"a label without end", Joined(Header(0x0100, 1), {0x3f, 'a', 'b'})},
      {"two questions", Joined(Header(0x0100, 2), {1, 'a', 0, 0, 1, 0, 1, 1, 'b', 0, 0, 1, 0, 1})},
      {"no question", Header(0x0100, 0)},
      {"cut short", Bytes(query.begin(), query.begin() + 20)},
      {"an octet too much", Joined(query, {0})},
      {"a reserved label type", Joined(Header(0x0100, 1), {0x80, 'a', 0, 0, 1, 0, 1})},
  };
  for (const auto& [what, datagram] : broken) {
    INFO(what);
    const auto reply = Try(session, datagram);
    REQUIRE(reply);
    CHECK(reply->rcode == "FORMERR");
    CHECK(reply->raw[0] == datagram[0]);
    CHECK(reply->raw[1] == datagram[1]);
  }
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'malformed'") ==
        static_cast<int64_t>(broken.size()));
  CHECK(authority.seen().empty());
}

TEST_CASE("What asks nothing is not answered: fragments of a header, and responses") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  Bytes response = MakeQuery("a.example.org", "A");
  response[2] |= 0x80;
  for (const Bytes& datagram : {Bytes{}, Bytes{0x12}, Bytes(11, 0), response}) {
    CHECK_FALSE(Try(session, datagram));
  }
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 0);
}

TEST_CASE("A datagram of 60,000 octets is malformed, and other opcodes are not implemented") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  const auto huge = Try(session, Joined(MakeQuery("a.example.org", "A"), Bytes(60'000, 'x')));
  REQUIRE(huge);
  CHECK(huge->rcode == "FORMERR");
  CHECK(huge->raw.size() < 512);
  CHECK(Try(session, Joined(Header(0x2000, 1), {1, 'a', 0, 0, 6, 0, 1})).value().rcode ==
        "NOTIMPL");
  CHECK(daemon.Rows("SELECT reason FROM queries ORDER BY id") ==
        Texts{"malformed", "not-implemented"});
}

TEST_CASE("Queries that are pipelined over TCP are all answered, and in bounds") {
  constexpr int kQueries = 500;
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  TcpClient client(session.nameserver);
  REQUIRE(client.connected());
  for (uint16_t id = 0; id < kQueries; ++id) {
    client.Send(MakeQuery("a.example.org", "A", {.id = id}));
  }
  client.FinishSending();
  std::vector<bool> answered(kQueries);
  for (int i = 0; i < kQueries; ++i) {
    const auto reply = client.Receive();
    REQUIRE(reply);
    answered.at(reply->id) = true;
  }
  CHECK(std::count(answered.begin(), answered.end(), true) == kQueries);
  CHECK(daemon.Number("SELECT count(*) FROM queries") == kQueries);
  CHECK(authority.Count("a.example.org") == 1);
}

TEST_CASE("Over TCP what asks nothing does not use up what a connection may have in flight") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  TcpClient client(session.nameserver);
  Bytes response = MakeQuery("a.example.org", "A");
  response[2] |= 0x80;
  for (int i = 0; i < 200; ++i) client.Send(response);
  client.Send(MakeQuery("a.example.org", "A"));
  CHECK(client.Receive().value().data() == Texts{"192.0.2.7"});
}

TEST_CASE("A TCP client that says nothing, or half of something, is cut off") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  TcpClient silent(session.nameserver);
  TcpClient slow(session.nameserver);
  slow.SendRaw({0, 200, 1, 2, 3});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");  // nobody waits for them
  CHECK(silent.ClosedWithin(kPatience));
  CHECK(slow.ClosedWithin(kPatience));
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 1);
}

TEST_CASE("A TCP client that announces a message larger than any query is cut off") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  TcpClient client(session.nameserver);
  client.SendRaw(Joined({0xff, 0xff}, Bytes(5'000, 'x')));
  CHECK(client.ClosedWithin(kPatience));
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
}

TEST_CASE("A client that asks 10,000 questions at once is bounded, and others are served") {
  Authority authority(kExampleRecords);
  authority.On("*", Silence());
  authority.On("a.example.org", Honest());
  Daemon daemon(authority.endpoint());
  const TestSession greedy = daemon.OpenSession(Texts{"h.example.net:443", "i.example.net:443"});
  const TestSession other = daemon.OpenSession(Texts{kExampleRule});
  const UdpClient flood(greedy.nameserver);
  for (int i = 0; i < 5'000; ++i) {
    flood.Send(MakeQuery("h.example.net", "A"));
    flood.Send(MakeQuery("i.example.net", "A"));
  }
  const auto refused = flood.Receive();
  REQUIRE(refused);
  CHECK(refused->rcode == "SERVFAIL");
  CHECK(Ask(other.nameserver, "a.example.org").data() == Texts{"192.0.2.7"});
  CHECK(daemon.Number("SELECT count(*) FROM queries WHERE reason = 'overloaded'") > 0);
}

TEST_CASE("The control socket answers nonsense with an error and keeps to the protocol") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  REQUIRE(daemon.readiness() == "ready");
  const ControlPeer peer(daemon.paths().control_socket());
  REQUIRE(peer.connected());
  for (const char* request :
       {"nonsense\n", "[]\n", "{}\n", "{\"command\":\"reboot\"}\n", "{\"command\":7}\n",
        "{\"command\":\"status\",\"extra\":1}\n", "{\"command\":\"session.show\",\"session\":99}\n",
        "{\"command\":\"session.open\",\"allow\":\"a.example.org:443\"}\n",
        "{\"command\":\"session.open\",\"allow\":[\"a.example.org\"]}\n",
        "{\"command\":\"session.open\",\"listen\":\"nowhere\"}\n"}) {
    INFO(request);
    const auto response = nlohmann::json::parse(peer.Say(request), nullptr, false);
    REQUIRE(response.is_object());
    CHECK(response["ok"] == false);
    CHECK(response["error"].get<std::string>().size() > 5);
  }
  CHECK(daemon.Number("SELECT count(*) FROM sessions") == 0);
}

TEST_CASE("A line without end on the control socket is cut off") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  REQUIRE(daemon.readiness() == "ready");
  const ControlPeer peer(daemon.paths().control_socket());
  const std::string answer = peer.Say(std::string((size_t{1} << 20) + 4096, 'x'));
  CHECK((answer.empty() || answer.find("\"ok\":false") != std::string::npos));
  CHECK(daemon.Status("sessions") == 0);
}

TEST_CASE("Another user may not speak to the control socket") {
  NeedRoot("become another user");
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  REQUIRE(daemon.readiness() == "ready");
  constexpr char kScript[] =
      "import os, socket, sys\n"
      "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
      "s = socket.socket(socket.AF_UNIX)\n"
      "try:\n"
      "    s.connect(sys.argv[1]); s.sendall(b'{\"command\":\"status\"}\\n')\n"
      "    print(s.recv(4096).decode())\n"
      "except OSError as e: print('refused', e)\n";
  const Outcome outcome = Run({"python3", "-c", kScript, daemon.paths().control_socket()});
  CHECK(outcome.out.find("\"ok\":true") == std::string::npos);
  CHECK(outcome.out.find("upstreams") == std::string::npos);
}

// One question of a gate: what it sends, and the verdict it gets (-1: none).
int AskGate(const TestSession& session, const void* message, size_t size) {
  const UniqueFd gate(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  session.gate_socket.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(gate.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return -1;
  }
  send(gate.get(), message, size, MSG_NOSIGNAL);
  GateReply reply{};
  if (recv(gate.get(), &reply, sizeof reply, 0) != sizeof reply) return -1;
  return reply.verdict;
}

GateRequest ConnectRequest(std::initializer_list<uint8_t> octets, uint16_t port) {
  GateRequest request{};
  request.magic = kGateMagic;
  request.version = kGateVersion;
  request.size = sizeof request;
  request.operation = static_cast<uint8_t>(GateOperation::kConnect);
  request.family = 4;
  request.protocol = 6;
  request.port = port;
  std::copy(octets.begin(), octets.end(), request.address);
  return request;
}

TEST_CASE("A gate is let through to what was answered, on the port of the rule, with a row each") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  const TestSession other = daemon.OpenSession(Texts{kExampleRule});
  const GateRequest right = ConnectRequest({192, 0, 2, 7}, 443);
  const GateRequest wrong_port = ConnectRequest({192, 0, 2, 7}, 80);
  CHECK(AskGate(session, &right, sizeof right) == 0);  // nothing was answered yet
  Ask(session.nameserver, "a.example.org");
  CHECK(AskGate(session, &right, sizeof right) == 1);
  CHECK(AskGate(session, &wrong_port, sizeof wrong_port) == 0);
  CHECK(AskGate(other, &right, sizeof right) == 0);  // answered to a session that is not this one
  CHECK(daemon.Rows("SELECT verdict, reason, name, port, query_id IS NOT NULL FROM connections "
                    "ORDER BY id") ==
        Texts{"deny|no-lease|-|443|0", "allow|lease|a.example.org|443|1",
              "deny|port-not-allowed|a.example.org|80|1", "deny|no-lease|-|443|0"});
  CHECK(daemon.Rows("SELECT q.qname, a.data FROM connections AS c JOIN queries AS q "
                    "ON q.id = c.query_id JOIN answers AS a ON a.answer_id = q.answer_id "
                    "WHERE c.verdict = 'allow'") == Texts{"a.example.org|192.0.2.7"});
}

TEST_CASE("A gate message of the wrong size, version or shape is denied, and recorded") {
  const Authority authority(kExampleRecords);
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{"192.0.2.7:443"});
  const GateRequest good = ConnectRequest({192, 0, 2, 7}, 443);
  REQUIRE(AskGate(session, &good, sizeof good) == 1);
  GateRequest old = good;
  old.version = 0;
  GateRequest unmagic = good;
  unmagic.magic = 0;
  GateRequest odd = good;
  odd.operation = 99;
  GateRequest familiar = good;
  familiar.family = 5;
  for (const GateRequest& bad : {old, unmagic, odd, familiar}) {
    CHECK(AskGate(session, &bad, sizeof bad) == 0);
  }
  CHECK(AskGate(session, &good, sizeof good - 1) == 0);
  char longer[64] = {};
  std::memcpy(longer, &good, sizeof good);
  CHECK(AskGate(session, longer, sizeof longer) == 0);
  CHECK(daemon.Number("SELECT count(*) FROM connections WHERE reason = 'bad-gate-message'") == 6);
  CHECK(daemon.Number("SELECT count(*) FROM connections") == 7);
}

}  // namespace
}  // namespace namegate::testing
