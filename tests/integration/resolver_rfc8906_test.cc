// "A Common Operational Problem in DNS Servers: Failure to Communicate" (RFC 8906): whatever a
// client sends that is new to us gets an answer, and the one that lets it go on. The numbers of
// sections are those of the RFC.

#include <catch2/catch.hpp>
#include <functional>

#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

constexpr size_t kOptSize = 11;  // an OPT record without options, at the end of a query

// Where the parts of the OPT record stand, counted from the end of a query of ours.
enum FromEnd : size_t { kPayload = 8, kVersion = 5, kFlags = 4, kOptionsLength = 2 };

uint8_t& At(Bytes& query, FromEnd part) { return query.at(query.size() - part); }

struct Option {
  uint16_t code = 0;
  Bytes data;
};

Bytes WithOptions(Bytes query, const std::vector<Option>& options) {
  Bytes octets;
  for (const auto& [code, data] : options) {
    octets.insert(octets.end(), {static_cast<uint8_t>(code >> 8), static_cast<uint8_t>(code), 0,
                                 static_cast<uint8_t>(data.size())});
    octets.insert(octets.end(), data.begin(), data.end());
  }
  At(query, kOptionsLength) = static_cast<uint8_t>(octets.size() >> 8);
  query.back() = static_cast<uint8_t>(octets.size());
  query.insert(query.end(), octets.begin(), octets.end());
  return query;
}

// A daemon with one allowed name, and what it answers to messages that the tests alter.
class Server {
 public:
  explicit Server(const std::string& records = kExampleRecords)
      : authority_(records),
        daemon_(authority_.endpoint()),
        session_(daemon_.OpenSession(Texts{"a.example.org:443"})) {}

  Reply Ask(const Bytes& query) {
    const UdpClient client(session_.nameserver);
    client.Send(query);
    auto reply = client.Receive();
    REQUIRE(reply);
    packet_ = ParsePacket(reply->raw);
    // Header bits that nobody has given a meaning stay clear in every response.
    CHECK((reply->raw[3] & 0x40) == 0);
    CHECK_FALSE(ldns_pkt_ad(packet_.get()));
    if (reply->edns) CheckEdns();
    return *reply;
  }
  Reply AskTcp(const Bytes& query) {
    TcpClient client(session_.nameserver);
    client.Send(query);
    auto reply = client.Receive();
    REQUIRE(reply);
    packet_ = ParsePacket(reply->raw);
    if (reply->edns) CheckEdns();
    return *reply;
  }
  // What was last answered.
  const ldns_pkt* packet() const { return packet_.get(); }
  Daemon& daemon() { return daemon_; }

 private:
  // We speak EDNS version 0 and know no flag but DO.
  void CheckEdns() const {
    CHECK(ldns_pkt_edns_version(packet_.get()) == 0);
    CHECK((ldns_pkt_edns_z(packet_.get()) & 0x7fff) == 0);
  }

  Authority authority_;
  Daemon daemon_;
  TestSession session_;
  Packet packet_;
};

const Texts kAnswer = {"192.0.2.7"};

TEST_CASE("A type of which nobody has heard is answered without data, not with an error (8.1.2)") {
  Server server;
  for (const char* type : {"TYPE1000", "TYPE65280", "TYPE0", "TYPE54"}) {
    INFO(type);
    Bytes query = MakeQuery(kExampleName, "TYPE1000");
    const unsigned number = static_cast<unsigned>(std::stoul(type + 4));
    query[query.size() - kOptSize - 4] = static_cast<uint8_t>(number >> 8);
    query[query.size() - kOptSize - 3] = static_cast<uint8_t>(number);
    const Reply reply = server.Ask(query);
    CHECK(reply.rcode == "NOERROR");
    CHECK(reply.answers.empty());
    CHECK(reply.authority.size() == 1);
  }
}

TEST_CASE("Header bits that are set in a query change nothing (8.1.3)") {
  const std::pair<const char*, std::function<void(Bytes&)>> bits[] = {
      {"CD", [](Bytes& query) { query[3] |= 0x10; }},
      {"AD", [](Bytes& query) { query[3] |= 0x20; }},
      {"the reserved bit", [](Bytes& query) { query[3] |= 0x40; }},
      {"RA", [](Bytes& query) { query[3] |= 0x80; }},
      {"AA", [](Bytes& query) { query[2] |= 0x04; }},
      {"TC", [](Bytes& query) { query[2] |= 0x02; }},
      {"an RCODE", [](Bytes& query) { query[3] |= 0x05; }},
      {"no RD", [](Bytes& query) { query[2] &= 0xfe; }},
  };
  Server server;
  for (const auto& [what, set] : bits) {
    INFO(what);
    Bytes query = MakeQuery(kExampleName, "A");
    set(query);
    const Reply reply = server.Ask(query);
    CHECK(reply.rcode == "NOERROR");
    CHECK(reply.data() == kAnswer);
    CHECK_FALSE(reply.authoritative);
    CHECK(ldns_pkt_rd(server.packet()) == ((query[2] & 1) != 0));
    CHECK(ldns_pkt_cd(server.packet()) == ((query[3] & 0x10) != 0));
  }
}

TEST_CASE("An opcode of which nobody has heard gets NOTIMP, and is recorded (8.1.4)") {
  Server server;
  for (const int opcode : {1, 2, 3, 4, 5, 6, 7, 14, 15}) {
    INFO(opcode);
    Bytes query = MakeQuery(kExampleName, "A");
    query[2] = static_cast<uint8_t>(opcode << 3);
    CHECK(server.Ask(query).rcode == "NOTIMPL");
    CHECK(static_cast<int>(ldns_pkt_get_opcode(server.packet())) == opcode);
    // A header and nothing else is asked that way too.
    query.resize(12);
    std::fill(query.begin() + 4, query.end(), uint8_t{0});
    CHECK(server.Ask(query).rcode == "NOTIMPL");
  }
  CHECK(server.daemon().Number("SELECT count(*) FROM queries WHERE reason = 'not-implemented'") ==
        18);
}

TEST_CASE("Questions are answered over TCP as over UDP (8.1.5)") {
  Server server;
  CHECK(server.AskTcp(MakeQuery(kExampleName, "A", {.udp_payload = 0})).data() == kAnswer);
  CHECK(server.daemon().Rows("SELECT transport FROM queries") == Texts{"tcp"});
}

TEST_CASE("A query with EDNS is answered with EDNS, and one without is not (8.2.1)") {
  Server server;
  CHECK(server.Ask(MakeQuery(kExampleName, "A")).edns);
  CHECK_FALSE(server.Ask(MakeQuery(kExampleName, "A", {.udp_payload = 0})).edns);
  for (const char* name : {"denied.example.org", "example.org"}) {
    CHECK(server.Ask(MakeQuery(name, "A")).edns);
    CHECK_FALSE(server.Ask(MakeQuery(name, "A", {.udp_payload = 0})).edns);
  }
}

TEST_CASE("EDNS versions above 0 get BADVERS with version 0 and no answer (8.2.2)") {
  Server server;
  for (const int version : {1, 2, 100, 255}) {
    INFO(version);
    Bytes query = MakeQuery(kExampleName, "A");
    At(query, kVersion) = static_cast<uint8_t>(version);
    const Reply reply = server.Ask(query);
    CHECK(reply.rcode == "16");
    CHECK(reply.edns);
    CHECK(reply.answers.empty());
  }
  CHECK(server.daemon().Number("SELECT count(*) FROM queries WHERE reason = 'bad-edns-version'") ==
        4);
}

TEST_CASE("EDNS options of which nobody has heard are ignored and not sent back (8.2.3, 8.2.10)") {
  const std::vector<Option> many = {{3, {}},                         // NSID
                                    {8, {0, 1, 24, 0, 192, 0, 2}},   // client subnet
                                    {9, {}},                         // EXPIRE
                                    {10, {1, 2, 3, 4, 5, 6, 7, 8}},  // COOKIE
                                    {11, {}},                        // TCP keepalive
                                    {12, {0, 0, 0, 0}},              // padding
                                    {100, {}},
                                    {65'001, {0xff, 0x00, 0xff}}};
  Server server;
  for (const Option& option : many) {
    INFO(option.code);
    const Reply reply = server.Ask(WithOptions(MakeQuery(kExampleName, "A"), {option}));
    CHECK(reply.data() == kAnswer);
    CHECK(ldns_pkt_edns_data(server.packet()) == nullptr);
  }
  CHECK(server.Ask(WithOptions(MakeQuery(kExampleName, "A"), many)).data() == kAnswer);
}

TEST_CASE("EDNS flags of which nobody has heard are ignored and not sent back (8.2.4)") {
  Server server;
  for (const int flags : {0x40, 0x20, 0x01, 0x7f}) {
    Bytes query = MakeQuery(kExampleName, "A");
    At(query, kFlags) = static_cast<uint8_t>(flags);
    CHECK(server.Ask(query).data() == kAnswer);
    CHECK(ldns_pkt_edns_z(server.packet()) == 0);
  }
}

TEST_CASE("A newer EDNS version with options, flags and DO still gets BADVERS (8.2.5 to 8.2.9)") {
  Server server;
  Bytes query = MakeQuery(kExampleName, "A");
  At(query, kVersion) = 1;
  At(query, kFlags) = 0xc0;
  CHECK(server.Ask(WithOptions(query, {{100, {1}}})).rcode == "16");
}

TEST_CASE("A client that asks for DNSSEC gets its answer without (8.2.8)") {
  Server server;
  Bytes query = MakeQuery(kExampleName, "A");
  At(query, kFlags) = 0x80;
  const Reply reply = server.Ask(query);
  CHECK(reply.data() == kAnswer);
  CHECK(reply.answers.size() == 1);
}

TEST_CASE("What does not fit is truncated to what the client takes, EDNS kept (8.2.7)") {
  std::string records;
  for (int i = 1; i <= 120; ++i) {
    records += "a.example.org. 60 IN A 203.0.113." + std::to_string(i) + "\n";
  }
  Server server(records);
  const std::pair<uint16_t, size_t> sizes[] = {{0, 512},       {1, 512},       {511, 512},
                                               {512, 512},     {600, 600},     {1'231, 1'231},
                                               {1'232, 1'232}, {4'096, 1'232}, {65'535, 1'232}};
  for (const auto& [payload, limit] : sizes) {
    INFO(payload);
    Bytes query = MakeQuery(kExampleName, "A");
    query[query.size() - 8] = static_cast<uint8_t>(payload >> 8);
    query[query.size() - 7] = static_cast<uint8_t>(payload);
    const Reply reply = server.Ask(query);
    CHECK(reply.truncated);
    CHECK(reply.edns);
    CHECK(reply.raw.size() <= limit);
    CHECK(reply.rcode == "NOERROR");
  }
  const Reply whole = server.AskTcp(MakeQuery(kExampleName, "A", {.udp_payload = 512}));
  CHECK_FALSE(whole.truncated);
  CHECK(whole.edns);
  CHECK(whole.answers.size() == 120);
}

TEST_CASE("Over TCP, EDNS with options, versions and opcodes is as over UDP") {
  Server server;
  CHECK(server.AskTcp(WithOptions(MakeQuery(kExampleName, "A"), {{100, {1, 2}}})).data() ==
        kAnswer);
  Bytes version = MakeQuery(kExampleName, "A");
  At(version, kVersion) = 1;
  CHECK(server.AskTcp(version).rcode == "16");
  Bytes opcode = MakeQuery(kExampleName, "A");
  opcode[2] = 15 << 3;
  CHECK(server.AskTcp(opcode).rcode == "NOTIMPL");
}

TEST_CASE("The name server's own questions of the trade are answered at once, not left hanging") {
  Server server;
  for (const auto& [name, type, dns_class] :
       {std::tuple{"version.bind", "TXT", "CH"}, std::tuple{"id.server", "TXT", "CH"}}) {
    const Reply reply = server.Ask(MakeQuery(name, type, {.dns_class = dns_class}));
    CHECK(reply.rcode == "REFUSED");
  }
  CHECK(server.Ask(MakeQuery(".", "SOA")).rcode == "NOERROR");
  CHECK(server.Ask(MakeQuery(".", "NS")).rcode == "NOERROR");
}

}  // namespace
}  // namespace namegate::testing
