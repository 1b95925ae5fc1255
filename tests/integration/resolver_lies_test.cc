// An upstream that lies, one trick a test: what the client gets, and what the ledger says.

#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

constexpr char kRecords[] = R"(
  a.example.org. 60 IN A 192.0.2.7
  victim.example.net. 60 IN A 192.0.2.8
)";
constexpr char kLie[] = "192.0.2.66";  // an address that no client may ever be told

void Push(ldns_pkt* packet, ldns_pkt_section section, const std::string& records) {
  std::istringstream lines(records);
  for (std::string line; std::getline(lines, line);) {
    ldns_rr* record = nullptr;
    if (ldns_rr_new_frm_str(&record, line.c_str(), 0, nullptr, nullptr) != LDNS_STATUS_OK) {
      throw std::runtime_error("not a record: " + line);
    }
    ldns_pkt_push_rr(packet, section, record);
  }
}

// The right ID and question with these records, whether they belong there or not.
struct Lie {
  std::string answer;
  std::string authority = "";
  std::string additional = "";
  ldns_pkt_rcode rcode = LDNS_RCODE_NOERROR;
};

Behaviour Tell(const Lie& lie) {
  return [lie](const SeenQuery& query, const Bytes&) {
    const Packet asked = ParsePacket(query.raw);
    const Packet packet(ldns_pkt_new());
    ldns_pkt_set_id(packet.get(), ldns_pkt_id(asked.get()));
    ldns_pkt_set_qr(packet.get(), true);
    ldns_pkt_set_rcode(packet.get(), static_cast<uint8_t>(lie.rcode));
    ldns_pkt_push_rr(packet.get(), LDNS_SECTION_QUESTION,
                     ldns_rr_clone(ldns_rr_list_rr(ldns_pkt_question(asked.get()), 0)));
    Push(packet.get(), LDNS_SECTION_ANSWER, lie.answer);
    Push(packet.get(), LDNS_SECTION_AUTHORITY, lie.authority);
    Push(packet.get(), LDNS_SECTION_ADDITIONAL, lie.additional);
    return std::vector<Bytes>{PacketBytes(packet.get())};
  };
}

// The honest answer with its octets changed.
Behaviour Altered(std::function<void(Bytes&)> alter) {
  return [alter = std::move(alter)](const SeenQuery&, const Bytes& honest) {
    Bytes changed = honest;
    alter(changed);
    return std::vector<Bytes>{changed};
  };
}

// TC over UDP, this over TCP.
Behaviour OverTcp(Behaviour behaviour) {
  return [behaviour = std::move(behaviour)](const SeenQuery& query, const Bytes& honest) {
    return query.tcp ? behaviour(query, honest) : Truncate()(query, honest);
  };
}

Reply AskOnce(Daemon& daemon, const std::string& type = "A") {
  return Ask(daemon.OpenSession(Texts{kExampleRule}).nameserver, kExampleName, type);
}

Texts Ledger(const Daemon& daemon) {
  return daemon.Rows("SELECT qname, verdict, reason, rcode, ede FROM queries ORDER BY id");
}

const Texts kRefusedLie = {"a.example.org|allow|upstream-invalid|SERVFAIL|23"};
const Texts kHonest = {"a.example.org|allow|rule|NOERROR|-"};

// The client hears that there is no answer, in so many words, and the ledger says the same.
void CheckRefused(const Reply& reply, const Daemon& daemon) {
  CHECK(reply.rcode == "SERVFAIL");
  CHECK(reply.answers.empty());
  CHECK(reply.ede == 23);
  CHECK(Ledger(daemon) == kRefusedLie);
  CHECK(daemon.Number("SELECT count(*) FROM answers") == 0);
}

void CheckHonest(const Reply& reply, const Daemon& daemon) {
  CHECK(reply.data() == Texts{"192.0.2.7"});
  CHECK(Ledger(daemon) == kHonest);
  CHECK(daemon.Rows("SELECT data FROM answers") == Texts{"192.0.2.7"});
}

TEST_CASE("A right answer from another address or port than the upstream's is never received") {
  for (const char* source : {"127.0.0.1", "127.0.0.2"}) {
    INFO(source);
    Authority authority(kRecords);
    authority.On(kExampleName, [source](const SeenQuery& query, const Bytes& honest) {
      const Endpoint client{IpAddress::V4(127, 0, 0, 1), query.client_port};
      const UdpClient spoofer(client, IpAddress::FromText(source).value());
      const auto lie = Tell({"a.example.org. 60 IN A 192.0.2.66"})(query, honest);
      spoofer.Send(lie.front());
      return std::vector<Bytes>{honest};
    });
    Daemon daemon(authority.endpoint());
    CheckHonest(AskOnce(daemon), daemon);
  }
}

TEST_CASE("Of two answers to one question the first counts, and the second changes nothing") {
  Authority authority(kRecords);
  authority.On(kExampleName, [](const SeenQuery& query, const Bytes& honest) {
    const auto second = Tell({"a.example.org. 60 IN A 192.0.2.66"})(query, honest);
    return std::vector<Bytes>{honest, second.front(), second.front()};
  });
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  CHECK(Ask(session.nameserver, kExampleName).data() == Texts{"192.0.2.7"});
  CHECK(Ask(session.nameserver, kExampleName).data() == Texts{"192.0.2.7"});
  CHECK(daemon.Rows("SELECT data FROM answers") == Texts{"192.0.2.7"});
}

TEST_CASE(
    "Sixty-three replies with a wrong ID are waited out, and more drive the question to TCP") {
  const std::pair<int, bool> floods[] = {{63, false}, {64, true}, {500, true}};
  for (const auto& [count, tcp] : floods) {
    INFO(count);
    Authority authority(kRecords);
    authority.On(kExampleName, [count = count](const SeenQuery& query, const Bytes& honest) {
      std::vector<Bytes> messages(query.tcp ? 0U : static_cast<size_t>(count),
                                  WrongId()(query, honest).front());
      messages.push_back(honest);
      return messages;
    });
    Daemon daemon(authority.endpoint());
    CheckHonest(AskOnce(daemon), daemon);
    CHECK(authority.seen().back().tcp == tcp);
  }
}

TEST_CASE("Garbage under the right ID is doubted over TCP, and the honest answer taken there") {
  const std::pair<const char*, Behaviour> garbage[] = {
      {"a header alone", Altered([](Bytes& message) { message.resize(12); })},
      {"cut in the middle of the address", Altered([](Bytes& message) { message.resize(50); })},
      {"our own query sent back",
       [](const SeenQuery& query, const Bytes&) { return std::vector<Bytes>{query.raw}; }},
      {"no question", Altered([](Bytes& message) { message[5] = 0; })},
      {"an octet too much", Altered([](Bytes& message) { message.push_back(0); })},
      {"an answer count of 65,535",
       Altered([](Bytes& message) { message[6] = message[7] = 0xff; })},
      {"only 0xff", Altered([](Bytes& message) {
         std::fill(message.begin() + 2, message.end(), uint8_t{0xff});
       })}};
  for (const auto& [what, lie] : garbage) {
    INFO(what);
    Authority authority(kRecords);
    authority.On(kExampleName, [lie = lie](const SeenQuery& query, const Bytes& honest) {
      return query.tcp ? std::vector<Bytes>{honest} : lie(query, honest);
    });
    Daemon daemon(authority.endpoint());
    CheckHonest(AskOnce(daemon), daemon);
    CHECK(authority.Count(kExampleName) == 2);
  }
}

TEST_CASE("RDATA of another length than its type has is no answer, over UDP or TCP") {
  // Header, question, owner as a pointer, type, class, TTL: then RDLENGTH.
  constexpr size_t kRdlength = 12 + 19 + 2 + 2 + 2 + 4;
  for (const int length : {0, 3, 5, 16, 255, 65'535}) {
    INFO(length);
    Authority authority(kRecords);
    authority.On(kExampleName, Altered([length](Bytes& message) {
                   message.at(kRdlength) = static_cast<uint8_t>(length >> 8);
                   message.at(kRdlength + 1) = static_cast<uint8_t>(length);
                 }));
    Daemon daemon(authority.endpoint());
    CheckRefused(AskOnce(daemon), daemon);
  }
}

// The right answer to the right question, with records of text behind it.
Behaviour WithText(size_t records) {
  std::string text;
  for (size_t i = 0; i < records; ++i) {
    text += "a.example.org. 60 IN TXT \"" + std::string(255, 'x') + "\"\n";
  }
  return Tell({"a.example.org. 60 IN A 192.0.2.7", "", text});
}

TEST_CASE("An answer of 64 kB over TCP is refused, and one of 16,000 octets taken") {
  Authority authority(kRecords);
  authority.On(kExampleName, OverTcp(WithText(59)));
  Daemon daemon(authority.endpoint());
  CheckHonest(AskOnce(daemon), daemon);
  authority.On(kExampleName, OverTcp(WithText(240)));
  Daemon other(authority.endpoint());
  CheckRefused(AskOnce(other), other);
}

// A server that says TC over UDP and then these octets over TCP, whatever was asked.
class FramingLiar {
 public:
  explicit FramingLiar(Bytes octets) : octets_(std::move(octets)) {
    for (int attempt = 0; attempt < 100; ++attempt) {
      udp_ = UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      tcp_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_storage address{};
      socklen_t length = kLoopback.ToSockaddr(0, &address);
      auto* name = reinterpret_cast<sockaddr*>(&address);
      if (bind(udp_.get(), name, length) != 0) continue;
      getsockname(udp_.get(), name, &length);
      port_ = ntohs(reinterpret_cast<const sockaddr_in*>(name)->sin_port);
      if (bind(tcp_.get(), name, length) != 0 || listen(tcp_.get(), 8) != 0) continue;
      thread_ = std::thread([this] { Serve(); });
      return;
    }
    throw std::runtime_error("no free port for a liar");
  }
  FramingLiar(const FramingLiar&) = delete;
  FramingLiar& operator=(const FramingLiar&) = delete;
  // Wakes the thread wherever it waits.
  ~FramingLiar() {
    stopping_ = true;
    UdpClient(endpoint()).Send({});
    const TcpClient wake(endpoint());
    thread_.join();
  }
  Endpoint endpoint() const { return {kLoopback, port_}; }

 private:
  inline static const IpAddress kLoopback = IpAddress::V4(127, 0, 0, 1);

  void Serve() {
    sockaddr_storage client{};
    socklen_t length = sizeof client;
    auto* name = reinterpret_cast<sockaddr*>(&client);
    Bytes message(4096);
    const ssize_t got = recvfrom(udp_.get(), message.data(), message.size(), 0, name, &length);
    if (got < 12 || stopping_) return;
    message.resize(static_cast<size_t>(got));
    message[2] |= 0x82;  // QR, TC
    sendto(udp_.get(), message.data(), message.size(), 0, name, length);
    const UniqueFd peer(accept(tcp_.get(), nullptr, nullptr));
    if (stopping_) return;
    recv(peer.get(), message.data(), message.size(), 0);
    send(peer.get(), octets_.data(), octets_.size(), MSG_NOSIGNAL);
  }

  Bytes octets_;
  UniqueFd udp_;
  UniqueFd tcp_;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

TEST_CASE("Over TCP a length that is a lie gets the client a refusal at once, never a hang") {
  const std::pair<Bytes, const char*> lies[] = {
      {{}, "upstream-unreachable"},                     // nothing at all
      {{0x00}, "upstream-unreachable"},                 // half a length
      {{0x00, 0x00}, "upstream-invalid"},               // a message of no octets
      {{0x00, 0x0b, 1, 2, 3}, "upstream-invalid"},      // less than a header
      {{0x01, 0x00, 1, 2, 3}, "upstream-unreachable"},  // more than comes
      {{0x40, 0x01}, "upstream-invalid"},               // more than 16 KiB
      {{0xff, 0xff, 1, 2, 3}, "upstream-invalid"},      // 64 kB announced
  };
  for (const auto& [octets, reason] : lies) {
    const FramingLiar liar(octets);
    Daemon daemon(liar.endpoint());
    const Reply reply = AskOnce(daemon);
    INFO(octets.size());
    CHECK(reply.rcode == "SERVFAIL");
    CHECK(daemon.Rows("SELECT reason, answer_id, duration_us < 1400000 FROM queries") ==
          Texts{std::string(reason) + "|-|1"});
  }
}

TEST_CASE("An upstream that truncates over TCP too is asked twice and no more") {
  Authority authority(kRecords);
  authority.On(kExampleName, Altered([](Bytes& message) { message[2] |= 0x02; }));
  Daemon daemon(authority.endpoint());
  CheckRefused(AskOnce(daemon), daemon);
  CHECK(authority.Count(kExampleName) == 2);
}

TEST_CASE("An answer of public and private addresses is dropped whole, the culprit recorded") {
  for (const char* private_address : {"10.0.0.1", "169.254.169.254", "0.0.0.0", "127.0.0.1"}) {
    Authority authority(kRecords);
    authority.On(kExampleName, Tell({"a.example.org. 60 IN A 192.0.2.7\n"
                                     "a.example.org. 60 IN A " +
                                     std::string(private_address) +
                                     "\n"
                                     "a.example.org. 60 IN A 192.0.2.8"}));
    Daemon daemon(authority.endpoint());
    const Reply reply = AskOnce(daemon);
    CHECK(reply.rcode == "NXDOMAIN");
    CHECK(reply.answers.empty());
    CHECK(reply.ede == 15);
    CHECK(daemon.Rows("SELECT verdict, reason, detail, answer_id FROM queries") ==
          Texts{"deny|rebinding|" + std::string(private_address) + "|-"});
    // None is leased, the public ones neither: a lease has a name for its address.
    const TestSession again = daemon.OpenSession(Texts{kExampleRule});
    CHECK(Ask(again.nameserver, kExampleName).answers.empty());
    for (const char* reverse : {"7.2.0.192.in-addr.arpa", "8.2.0.192.in-addr.arpa"}) {
      CHECK(Ask(again.nameserver, reverse, "PTR").rcode == "NXDOMAIN");
    }
  }
}

TEST_CASE("An address that flips at TTL 0 is judged anew at each lookup") {
  Authority authority(kRecords);
  const auto lookups = std::make_shared<std::atomic<int>>(0);
  authority.On(kExampleName, [lookups](const SeenQuery& query, const Bytes& honest) {
    const bool odd = (*lookups)++ % 2 != 0;
    return Tell({odd ? "a.example.org. 0 IN A 192.168.1.1" : "a.example.org. 0 IN A 192.0.2.7"})(
        query, honest);
  });
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  CHECK(Ask(session.nameserver, kExampleName).data() == Texts{"192.0.2.7"});
  CHECK(Ask(session.nameserver, kExampleName).answers.empty());
  CHECK(Ask(session.nameserver, kExampleName).data() == Texts{"192.0.2.7"});
  CHECK(
      daemon.Rows("SELECT verdict, reason, rcode, detail FROM queries ORDER BY id") ==
      Texts{"allow|rule|NOERROR|-", "deny|rebinding|NXDOMAIN|192.168.1.1", "allow|rule|NOERROR|-"});
}

TEST_CASE("A private address that a TTL of a day would keep is judged again at each cache hit") {
  Authority authority(kRecords);
  authority.On(kExampleName, Tell({"a.example.org. 86400 IN A 192.168.1.1"}));
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession(Texts{kExampleRule});
  for (int i = 0; i < 2; ++i) CHECK(Ask(session.nameserver, kExampleName).answers.empty());
  CHECK(authority.Count(kExampleName) == 1);
  CHECK(daemon.Rows("SELECT verdict, reason, source FROM queries ORDER BY id") ==
        Texts{"deny|rebinding|upstream", "deny|rebinding|cache"});
}

std::string Chain(int cnames) {
  std::string records;
  std::string owner = kExampleName;
  for (int i = 1; i <= cnames; ++i) {
    const std::string target = "hop" + std::to_string(i) + ".example.net";
    records += owner + ". 60 IN CNAME " + target + ".\n";
    owner = target;
  }
  return records + owner + ". 60 IN A 192.0.2.7\n";
}

TEST_CASE("A chain of ten CNAMEs is followed, and one of eleven refused") {
  Authority authority(kRecords);
  authority.On(kExampleName, OverTcp(Tell({Chain(10)})));
  Daemon daemon(authority.endpoint());
  CHECK(AskOnce(daemon).answers.size() == 11);
  CHECK(Ledger(daemon) == kHonest);
  authority.On(kExampleName, OverTcp(Tell({Chain(11)})));
  Daemon other(authority.endpoint());
  CheckRefused(AskOnce(other), other);
}

TEST_CASE("CNAMEs and DNAMEs that contradict themselves are no answer") {
  const std::pair<const char*, const char*> lies[] = {
      {"a loop of one", "a.example.org. 60 IN CNAME a.example.org."},
      {"a loop of two, with an address in it",
       "a.example.org. 60 IN CNAME b.example.org.\n"
       "b.example.org. 60 IN CNAME a.example.org.\n"
       "a.example.org. 60 IN A 192.0.2.66"},
      {"two CNAMEs of one owner",
       "a.example.org. 60 IN CNAME b.example.org.\n"
       "a.example.org. 60 IN CNAME c.example.org.\n"
       "b.example.org. 60 IN A 192.0.2.66"},
      {"a CNAME that its DNAME does not give",
       "example.org. 60 IN DNAME example.net.\n"
       "a.example.org. 60 IN CNAME a.evil.example.\n"
       "a.evil.example. 60 IN A 192.0.2.66"},
      {"a DNAME at the end of a chain that the next CNAME ignores",
       "a.example.org. 60 IN CNAME b.example.net.\n"
       "example.net. 60 IN DNAME example.com.\n"
       "b.example.net. 60 IN CNAME b.evil.example.\n"
       "b.evil.example. 60 IN A 192.0.2.66"},
  };
  for (const auto& [what, records] : lies) {
    INFO(what);
    Authority authority(kRecords);
    authority.On(kExampleName, Tell({records}));
    Daemon daemon(authority.endpoint());
    CheckRefused(AskOnce(daemon), daemon);
  }
}

TEST_CASE("A DNAME without its CNAME leads nowhere, and one with it leads on") {
  Authority authority(kRecords);
  authority.On(kExampleName, Tell({"example.org. 60 IN DNAME example.net.\n"
                                   "a.example.net. 60 IN A 192.0.2.66"}));
  Daemon daemon(authority.endpoint());
  CHECK(AskOnce(daemon).answers.empty());
  CHECK(daemon.Number("SELECT count(*) FROM answers") == 0);
  authority.On(kExampleName, Tell({"example.org. 60 IN DNAME example.net.\n"
                                   "a.example.org. 60 IN CNAME a.example.net.\n"
                                   "a.example.net. 60 IN A 192.0.2.7"}));
  Daemon other(authority.endpoint());
  CHECK(AskOnce(other).data() == Texts{"a.example.net.", "192.0.2.7"});
}

TEST_CASE("Records that answer another question are neither told, nor recorded, nor cached") {
  const std::pair<const char*, Lie> poisons[] = {
      {"in the answer",
       {"a.example.org. 60 IN A 192.0.2.7\nvictim.example.net. 60 IN A 192.0.2.66"}},
      {"as glue of a delegation",
       {"a.example.org. 60 IN A 192.0.2.7", "example.net. 60 IN NS victim.example.net.",
        "victim.example.net. 60 IN A 192.0.2.66"}},
      {"in the authority section",
       {"a.example.org. 60 IN A 192.0.2.7", "victim.example.net. 60 IN A 192.0.2.66"}},
      {"as an alias of the victim",
       {"a.example.org. 60 IN A 192.0.2.7\nvictim.example.net. 60 IN CNAME evil.example.\n"
        "evil.example. 60 IN A 192.0.2.66"}},
  };
  for (const auto& [where, lie] : poisons) {
    INFO(where);
    Authority authority(kRecords);
    authority.On(kExampleName, Tell(lie));
    Daemon daemon(authority.endpoint());
    const TestSession session = daemon.OpenSession({kExampleRule, "victim.example.net:443"});
    CHECK(Ask(session.nameserver, kExampleName).data() == Texts{"192.0.2.7"});
    CHECK(Ask(session.nameserver, "victim.example.net").data() == Texts{"192.0.2.8"});
    CHECK(authority.Count("victim.example.net") == 1);
    CHECK(daemon.Rows("SELECT data FROM answers ORDER BY data") == Texts{"192.0.2.7", "192.0.2.8"});
  }
}

// An alias of the victim that the attacker owns: the chain is his to give, its end is not cached
// for anyone who asks for the victim itself.
TEST_CASE("The end of one name's chain is no answer for who asks for the end itself") {
  Authority authority(kRecords);
  authority.On(kExampleName, Tell({"a.example.org. 60 IN CNAME victim.example.net.\n"
                                   "victim.example.net. 60 IN A 192.0.2.66"}));
  Daemon daemon(authority.endpoint());
  const TestSession session = daemon.OpenSession({kExampleRule, "victim.example.net:443"});
  CHECK(Ask(session.nameserver, kExampleName).data() == Texts{"victim.example.net.", kLie});
  CHECK(Ask(session.nameserver, "victim.example.net").data() == Texts{"192.0.2.8"});
}

TEST_CASE("Addresses that come with NXDOMAIN are not told") {
  Authority authority(kRecords);
  authority.On(kExampleName,
               Tell({"a.example.org. 60 IN A 192.0.2.66", "", "", LDNS_RCODE_NXDOMAIN}));
  Daemon daemon(authority.endpoint());
  const Reply reply = AskOnce(daemon);
  CHECK(reply.rcode == "NXDOMAIN");
  CHECK(reply.answers.empty());
  CHECK(Ledger(daemon) == Texts{"a.example.org|allow|rule|NXDOMAIN|-"});
  CHECK(daemon.Number("SELECT count(*) FROM answers") == 0);
}

TEST_CASE("An answer of another type or at another owner is the absence of one") {
  for (const char* records :
       {"a.example.org. 60 IN AAAA 2001:4860:4860::8888", "other.example.org. 60 IN A 192.0.2.66",
        "example.org. 60 IN A 192.0.2.66", "b.a.example.org. 60 IN A 192.0.2.66"}) {
    INFO(records);
    Authority authority(kRecords);
    authority.On(kExampleName, Tell({records}));
    Daemon daemon(authority.endpoint());
    const Reply reply = AskOnce(daemon);
    CHECK(reply.rcode == "NOERROR");
    CHECK(reply.answers.empty());
    CHECK(daemon.Number("SELECT count(*) FROM answers") == 0);
  }
}

TEST_CASE("Records of another class make the whole message no answer") {
  Authority authority(kRecords);
  authority.On(kExampleName,
               Tell({"a.example.org. 60 CH A 192.0.2.66\na.example.org. 60 IN A 192.0.2.7"}));
  Daemon daemon(authority.endpoint());
  CheckRefused(AskOnce(daemon), daemon);
}

TEST_CASE("More than 256 records make the whole message no answer") {
  std::string records;
  for (int i = 0; i < 257; ++i) {
    records += "a.example.org. 60 IN A 203.0." + std::to_string(i / 200) + "." +
               std::to_string(i % 200) + "\n";
  }
  Authority authority(kRecords);
  authority.On(kExampleName, OverTcp(Tell({records})));
  Daemon daemon(authority.endpoint());
  CheckRefused(AskOnce(daemon), daemon);
}

TEST_CASE("TTLs are believed up to a day, and those of denials up to a quarter of an hour") {
  Authority authority(kRecords);
  authority.On(kExampleName, Tell({"a.example.org. 2147483647 IN A 192.0.2.7"}));
  Daemon daemon(authority.endpoint());
  CHECK(AskOnce(daemon).ttl() == 86'400);
  authority.On(kExampleName, Tell({"", "example.org. 2147483647 IN SOA a. b. 1 1 1 1 2147483647",
                                   "", LDNS_RCODE_NXDOMAIN}));
  Daemon other(authority.endpoint());
  const Reply denial = AskOnce(other);
  CHECK(denial.rcode == "NXDOMAIN");
  REQUIRE(denial.authority.size() == 1);
  CHECK_THAT(denial.authority[0], Catch::Contains(" 900 IN SOA "));
}

}  // namespace
}  // namespace namegate::testing
