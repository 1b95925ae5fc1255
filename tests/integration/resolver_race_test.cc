// An attacker who sees nothing of our questions but knows when they are asked, and who can send
// from the upstream's own address and port: he must guess our port, the ID and the case of the
// letters.

#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <optional>

#include "common/random.h"
#include "resolver/message_builder.h"
#include "resolver/upstream_exchange.h"
#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"
#include "tests/support/private_network.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using resolver::ExchangeEntropy;
using resolver::UpstreamExchange;
using Texts = std::vector<std::string>;

constexpr size_t kGuesses = 100'000;
// Long, so that the case of its letters is never all lower by chance.
constexpr char kRaceName[] = "the-quick-brown-fox-jumps-over-the-lazy-dog.a.example.org";
constexpr char kRaceRecords[] =
    "the-quick-brown-fox-jumps-over-the-lazy-dog.a.example.org. 60 IN A 192.0.2.7\n";
const std::string kTrueAddress("\xc0\x00\x02\x07", 4);
const std::string kForgedAddress("\xc0\x00\x02\x42", 4);  // 192.0.2.66

DomainName Name() { return DomainName::FromText(kRaceName).value(); }

std::string LowerCaseQuestion(const DomainName& qname, uint16_t qtype) {
  return std::string(qname.wire()) + '\0' + static_cast<char>(qtype) + std::string("\0\x01", 2);
}

// Forges datagrams that look as if the upstream had sent them.
class OffPathAttacker {
 public:
  // Ends the test as skipped where the kernel does not let this process forge.
  explicit OffPathAttacker(const Endpoint& upstream)
      : upstream_port_(upstream.port),
        socket_(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)) {
    if (!socket_) Skip(std::string("a raw socket forges addresses: ") + std::strerror(errno));
  }

  void Guess(uint16_t port, uint16_t id, const std::string& question) const {
    std::string dns = {static_cast<char>(id >> 8), static_cast<char>(id)};
    dns.append("\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00", 10);
    dns += question;
    dns.append("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04", 12);
    dns += kForgedAddress;
    struct {
      iphdr ip;
      udphdr udp;
    } head{};
    head.ip.version = 4;
    head.ip.ihl = sizeof head.ip / 4;
    head.ip.ttl = 64;
    head.ip.protocol = IPPROTO_UDP;
    head.ip.saddr = head.ip.daddr = htonl(INADDR_LOOPBACK);
    head.udp.source = htons(upstream_port_);
    head.udp.dest = htons(port);
    head.udp.len = htons(static_cast<uint16_t>(sizeof head.udp + dns.size()));
    std::string packet(reinterpret_cast<const char*>(&head), sizeof head);
    packet += dns;
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sendto(socket_.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to),
           sizeof to);
  }

 private:
  uint16_t upstream_port_;
  UniqueFd socket_;
};

// One question to an upstream that keeps its answer back until the attacker has had his guesses.
struct Race {
  std::string address;  // what the question was answered with
  bool tcp = false;     // it was asked over TCP in the end
  uint64_t wrong_replies = 0;
};

// What the attacker sends as his guess number `i`, given the port from which the question came.
using Guess = std::function<void(const OffPathAttacker& attacker, size_t i, uint16_t port)>;

Race Run(const ExchangeEntropy& entropy, const Guess& guess) {
  EnterPrivateNetwork();  // guesses go to every port: no other test is to listen there
  Authority authority(kRaceRecords);
  authority.Hold(kRaceName);
  const OffPathAttacker attacker(authority.endpoint());
  uv_loop_t loop;
  uv_loop_init(&loop);
  resolver::UpstreamServer server;
  server.address.endpoint = authority.endpoint();
  std::optional<UpstreamExchange::Outcome> outcome;
  {
    const UpstreamExchange exchange(
        &loop, server, {Name(), resolver::rrtype::kA}, 60'000,
        [&](UpstreamExchange::Outcome settled) { outcome = std::move(settled); }, entropy);
    REQUIRE(authority.WaitForCount(kRaceName, 1));
    const uint16_t port = authority.seen().front().client_port;
    for (size_t i = 0; i < kGuesses && !outcome; ++i) {
      guess(attacker, i, port);
      uv_run(&loop, UV_RUN_NOWAIT);
    }
    authority.Release(kRaceName);
    while (!outcome) uv_run(&loop, UV_RUN_ONCE);
  }
  uv_run(&loop, UV_RUN_DEFAULT);  // until the handles are closed
  REQUIRE(uv_loop_close(&loop) == 0);
  Race race;
  race.tcp = authority.seen().back().tcp;
  race.wrong_replies = server.wrong_replies;
  REQUIRE(outcome->response);
  REQUIRE(outcome->response->answers.size() == 1);
  race.address = outcome->response->answers.front().rdata;
  return race;
}

std::string RandomQuestion() { return resolver::RandomCaseQuestion(Name(), resolver::rrtype::kA); }

uint16_t Random16() { return static_cast<uint16_t>(RandomU32()); }

// ID and letters as they would be with too little entropy: six bits, and none.
const ExchangeEntropy kNarrow = {[] { return static_cast<uint16_t>(Random16() % 64); },
                                 &LowerCaseQuestion};

TEST_CASE("An attacker with the upstream's address who sends 100,000 guesses gets nothing in") {
  for (int query = 0; query < 2; ++query) {
    const Race race =
        Run(ExchangeEntropy::kFull, [](const OffPathAttacker& attacker, size_t, uint16_t) {
          attacker.Guess(Random16(), Random16(), RandomQuestion());
        });
    CHECK(race.address == kTrueAddress);
    CHECK(race.wrong_replies < 64);  // few of them even reached our port
  }
}

TEST_CASE("One who knows the port too drives the question to TCP, and gets nothing in") {
  const Race race =
      Run(ExchangeEntropy::kFull, [](const OffPathAttacker& attacker, size_t i, uint16_t port) {
        attacker.Guess(port, static_cast<uint16_t>(i), RandomQuestion());
      });
  CHECK(race.address == kTrueAddress);
  CHECK(race.tcp);
}

TEST_CASE("With six bits of ID and no case in the letters, one who knows the port gets in") {
  const Race race = Run(kNarrow, [](const OffPathAttacker& attacker, size_t i, uint16_t port) {
    attacker.Guess(port, static_cast<uint16_t>(i % 64),
                   LowerCaseQuestion(Name(), resolver::rrtype::kA));
  });
  CHECK(race.address == kForgedAddress);
  CHECK_FALSE(race.tcp);
}

TEST_CASE("The case of the letters alone keeps out one who knows the port and tries every ID") {
  const ExchangeEntropy entropy = {kNarrow.id, &resolver::RandomCaseQuestion};
  const Race race = Run(entropy, [](const OffPathAttacker& attacker, size_t i, uint16_t port) {
    attacker.Guess(port, static_cast<uint16_t>(i % 64),
                   LowerCaseQuestion(Name(), resolver::rrtype::kA));
  });
  CHECK(race.address == kTrueAddress);
  CHECK(race.tcp);  // the right ID with the wrong letters is a forgery in plain sight
}

TEST_CASE("The port alone keeps out one who tries every ID with the letters as asked") {
  const Race race = Run(kNarrow, [](const OffPathAttacker& attacker, size_t i, uint16_t port) {
    // Every port but the one.
    const auto guessed = static_cast<uint16_t>(1'024 + i % 64'000);
    if (guessed == port) return;
    attacker.Guess(guessed, static_cast<uint16_t>(i % 64),
                   LowerCaseQuestion(Name(), resolver::rrtype::kA));
  });
  CHECK(race.address == kTrueAddress);
  CHECK_FALSE(race.tcp);
  CHECK(race.wrong_replies == 0);
}

TEST_CASE("Against the daemon 100,000 guesses leave no trace in the answer or in the ledger") {
  EnterPrivateNetwork();  // guesses go to every port: no other test is to listen there
  Authority authority(kRaceRecords);
  authority.Hold(kRaceName);
  const OffPathAttacker attacker(authority.endpoint());
  Daemon daemon(authority.endpoint());
  // Many sessions that ask at once must not become many questions to guess at.
  std::vector<std::unique_ptr<UdpClient>> clients;
  for (int i = 0; i < 8; ++i) {
    const TestSession session = daemon.OpenSession(Texts{std::string(kRaceName) + ":443"});
    clients.push_back(std::make_unique<UdpClient>(session.nameserver));
    clients.back()->Send(MakeQuery(kRaceName, "A"));
  }
  REQUIRE(daemon.WaitForStatus("in_flight", 8));
  CHECK(authority.Count(kRaceName) == 1);
  const uint16_t port = authority.seen().front().client_port;
  for (size_t i = 0; i < kGuesses; ++i) {
    const bool knows_port = i % 2 == 0;
    attacker.Guess(knows_port ? port : Random16(), Random16(), RandomQuestion());
  }
  authority.Release(kRaceName);
  for (const auto& client : clients) {
    const auto reply = client->Receive();
    REQUIRE(reply);
    for (const std::string& address : reply->data()) CHECK(address == "192.0.2.7");
  }
  CHECK(daemon.Number("SELECT count(*) FROM queries") == 8);
  CHECK(daemon.Number("SELECT count(*) FROM answers WHERE data = '192.0.2.66'") == 0);
}

}  // namespace
}  // namespace namegate::testing
