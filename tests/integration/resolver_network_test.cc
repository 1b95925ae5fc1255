// The host's network changes under the daemon: its routes, its addresses, its resolvers. In a
// network of the test's own, changed by ip(8).

#include <catch2/catch.hpp>
#include <map>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"
#include "tests/support/private_network.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

// A pair of interfaces, as a cable between the host and a router.
class Cable {
 public:
  Cable() {
    EnterPrivateNetwork();
    Ip("link add host0 type veth peer name router0");
    Ip("link set host0 up");
    Ip("link set router0 up");
  }
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;
  ~Cable() { Ip("link del host0"); }
};

TEST_CASE("AAAA is withheld while the host has no IPv6 route, to the question, both ways") {
  const Cable cable;
  const Authority authority(
      "a.example.org. 60 IN A 192.0.2.7\n"
      "a.example.org. 60 IN AAAA 2606:4700::7\n");
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});

  const Reply without = Ask(session.nameserver, kExampleName, "AAAA");
  CHECK(without.rcode == "NOERROR");
  CHECK(without.answers.empty());
  CHECK(without.authority.size() == 1);
  CHECK_FALSE(without.ede);
  CHECK(Ask(session.nameserver, kExampleName, "A").data() == Texts{"192.0.2.7"});
  CHECK(authority.Count(kExampleName, "AAAA") == 0);

  // An address without a route is of no use, a route without one neither.
  Ip("-6 addr add 2600:1::2/64 dev host0 nodad");
  AwaitAddress("2600:1::2");
  CHECK(Ask(session.nameserver, kExampleName, "AAAA").answers.empty());
  Ip("-6 route add default via fe80::1 dev host0");
  CHECK(Ask(session.nameserver, kExampleName, "AAAA").data() == Texts{"2606:4700::7"});
  Ip("-6 addr del 2600:1::2/64 dev host0");
  CHECK(Ask(session.nameserver, kExampleName, "AAAA").answers.empty());
  Ip("-6 addr add 2600:1::2/64 dev host0 nodad");
  AwaitAddress("2600:1::2");
  CHECK(Ask(session.nameserver, kExampleName, "AAAA").data() == Texts{"2606:4700::7"});
  Ip("-6 route del default");
  CHECK(Ask(session.nameserver, kExampleName, "AAAA").answers.empty());

  CHECK(daemon.Rows("SELECT qtype, verdict, reason, rule, rcode, source, answer_id IS NULL"
                    " FROM queries ORDER BY id") ==
        Texts{"AAAA|allow|no-ipv6-route|a.example.org:443|NOERROR|local|1",
              "A|allow|rule|a.example.org:443|NOERROR|upstream|0",
              "AAAA|allow|no-ipv6-route|a.example.org:443|NOERROR|local|1",
              "AAAA|allow|rule|a.example.org:443|NOERROR|upstream|0",
              "AAAA|allow|no-ipv6-route|a.example.org:443|NOERROR|local|1",
              "AAAA|allow|rule|a.example.org:443|NOERROR|cache|0",
              "AAAA|allow|no-ipv6-route|a.example.org:443|NOERROR|local|1"});
}

TEST_CASE("An address is dropped from when an interface of this host has it until it has not") {
  const Cable cable;
  const Authority authority(
      "a.example.org. 300 IN A 198.51.100.7\n"
      "a.example.org. 300 IN A 198.51.100.77\n"
      "b.example.org. 300 IN AAAA 2600:2::77\n");
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({kExampleRule, "b.example.org:443"});
  const Texts both = {"198.51.100.7", "198.51.100.77"};

  CHECK(Ask(session.nameserver, kExampleName).data() == both);
  Ip("addr add 198.51.100.77/24 dev host0");
  const Reply own = Ask(session.nameserver, kExampleName);
  CHECK(own.rcode == "NXDOMAIN");
  CHECK(own.answers.empty());
  CHECK(own.ede == 15);
  Ip("addr del 198.51.100.77/24 dev host0");
  CHECK(Ask(session.nameserver, kExampleName).data() == both);
  CHECK(authority.Count(kExampleName) == 1);  // judged again each time, asked once

  Ip("-6 addr add 2600:2::77/64 dev host0 nodad");
  AwaitAddress("2600:2::77");
  Ip("-6 route add default via fe80::1 dev host0");
  CHECK(Ask(session.nameserver, "b.example.org", "AAAA").rcode == "NXDOMAIN");

  CHECK(daemon.Rows("SELECT qname, verdict, reason, detail, source, answer_id IS NULL"
                    " FROM queries ORDER BY id") ==
        Texts{"a.example.org|allow|rule|-|upstream|0",
              "a.example.org|deny|rebinding|198.51.100.77|cache|1",
              "a.example.org|allow|rule|-|cache|0",
              "b.example.org|deny|rebinding|2600:2::77|upstream|1"});
}

// A resolver of a network: a session's name server, because a resolv.conf cannot name a port. In a
// private network, where port 53 of any loopback address is free.
class Network {
 public:
  explicit Network(const std::string& records)
      : authority_(records), daemon_(authority_.endpoint()) {
    daemon_.OpenSessionBy({{"allow", {"**.example.org:443"}}, {"listen", address_ + ":53"}});
  }

  const std::string& address() const { return address_; }
  std::string ResolvConf() const { return "nameserver " + address_ + "\n"; }
  Authority& authority() { return authority_; }

 private:
  const std::string address_ = Endpoint::FromText(RandomLoopback(), 53)->address.ToText();
  Authority authority_;
  Daemon daemon_;
};

// A daemon that asks whom its host asks.
class Laptop {
 public:
  explicit Laptop(const std::string& resolv_conf)
      : daemon_(DaemonOptions{{}, "resolv_conf = \"" + GoTo(resolv_conf) + "\"\n", {}}) {}

  Daemon& daemon() { return daemon_; }
  std::string GoTo(const std::string& resolv_conf) {
    return files_.Write("resolv.conf", resolv_conf);
  }

 private:
  TempDir files_;
  Daemon daemon_;
};

TEST_CASE("A resolv.conf that changes changes the upstreams, and what the old ones said is gone") {
  EnterPrivateNetwork();
  const Network home("a.example.org. 86400 IN A 192.0.2.7");
  const Network away("a.example.org. 86400 IN A 192.0.2.8");
  Laptop laptop(home.ResolvConf());
  REQUIRE(laptop.daemon().readiness() == "ready");
  const TestSession session = laptop.daemon().OpenSession(Texts{kExampleRule});
  CHECK(Ask(session.nameserver, kExampleName).data() == Texts{"192.0.2.7"});
  CHECK(Ask(session.nameserver, kExampleName).data() ==
        Texts{"192.0.2.7"});  // for a day, if all stays
  laptop.GoTo(away.ResolvConf());
  const auto changed = std::chrono::steady_clock::now();
  Texts answer;
  do {
    answer = Ask(session.nameserver, kExampleName).data();
  } while (answer == Texts{"192.0.2.7"} && std::chrono::steady_clock::now() - changed < kPatience);
  CHECK(answer == Texts{"192.0.2.8"});
  const auto status = laptop.daemon().control().Call({{"command", "status"}});
  REQUIRE(status);
  CHECK(status.value()["status"]["upstreams"][0]["address"] == away.address() + ":53");
}

// Questions that are in flight when the resolvers change, from two sessions, each name asked by
// both.
class InFlight {
 public:
  static constexpr uint16_t kQuestions = 20;

  static std::string NameOf(uint16_t id) { return "h" + std::to_string(id) + ".example.org"; }

  static std::string Records(const std::string& address) {
    std::string records;
    for (uint16_t id = 0; id < kQuestions; ++id) {
      records += NameOf(id) + ". 60 IN A " + address + "\n";
    }
    return records;
  }

  explicit InFlight(Network& home) : home_(home), laptop_(home.ResolvConf()) {
    for (uint16_t id = 0; id < kQuestions; ++id) home.authority().Hold(NameOf(id));
    for (int i = 0; i < 2; ++i) {
      const TestSession session = laptop_.daemon().OpenSession({"**.example.org:443"});
      clients_.push_back(std::make_unique<UdpClient>(session.nameserver));
      for (uint16_t id = 0; id < kQuestions; ++id) {
        clients_.back()->Send(MakeQuery(NameOf(id), "A", {.id = id}));
      }
    }
    for (uint16_t id = 0; id < kQuestions; ++id) {
      REQUIRE(home.authority().WaitForCount(NameOf(id), 1));
    }
    REQUIRE(laptop_.daemon().WaitForStatus("in_flight", 2 * kQuestions));
  }

  Daemon& daemon() { return laptop_.daemon(); }

  // Each question is answered once, as `expected` says; what the old resolvers say then is too
  // late.
  void GoTo(const std::string& resolv_conf, const std::function<void(const Reply&)>& expected) {
    laptop_.GoTo(resolv_conf);
    for (const auto& client : clients_) {
      std::vector<int> answered(kQuestions);
      for (int i = 0; i < kQuestions; ++i) {
        const auto reply = client->Receive();
        REQUIRE(reply);
        ++answered.at(reply->id);
        expected(*reply);
      }
      CHECK(answered == std::vector<int>(kQuestions, 1));
    }
    for (uint16_t id = 0; id < kQuestions; ++id) home_.authority().Release(NameOf(id));
    for (const auto& client : clients_) CHECK_FALSE(client->Receive(kSilence));
    CHECK(daemon().Number("SELECT count(*) FROM queries") == 2 * kQuestions);
    CHECK(daemon().Number("SELECT count(DISTINCT session || ' ' || qname) FROM queries") ==
          2 * kQuestions);
    CHECK(daemon().Status("in_flight") == 0);
  }

 private:
  Network& home_;
  Laptop laptop_;
  std::vector<std::unique_ptr<UdpClient>> clients_;
};

TEST_CASE("Questions in flight when the resolvers change are answered by the new ones, once each") {
  EnterPrivateNetwork();
  Network home(InFlight::Records("192.0.2.7"));
  const Network away(InFlight::Records("192.0.2.8"));
  InFlight questions(home);
  questions.GoTo(away.ResolvConf(),
                 [](const Reply& reply) { CHECK(reply.data() == Texts{"192.0.2.8"}); });
  CHECK(questions.daemon().Rows("SELECT DISTINCT data FROM answers") == Texts{"192.0.2.8"});
  CHECK(questions.daemon().Stop().status == 0);  // under ASan: and nothing is lost of them
}

TEST_CASE("Questions in flight when the new resolvers are dead fail once each") {
  EnterPrivateNetwork();
  Network home(InFlight::Records("192.0.2.7"));
  InFlight questions(home);
  questions.GoTo("nameserver 127.0.0.99\n", [](const Reply& reply) {
    CHECK(reply.rcode == "SERVFAIL");
    CHECK(reply.ede == 23);
  });
  CHECK(questions.daemon().Rows("SELECT DISTINCT reason FROM queries") ==
        Texts{"upstream-unreachable"});
  CHECK(questions.daemon().Stop().status == 0);
}

}  // namespace
}  // namespace namegate::testing
