// Three readers that share no code look at the same octets: ours, the C library's (ns_parserr) and
// ldns. Where ours takes a message, all must see the same question and the same chain to the same
// addresses; if they did not, we could judge one address and a program connect to another.

#include <arpa/nameser.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "resolver/answer.h"
#include "resolver/message_reader.h"
#include "tests/support/authority_zone.h"
#include "tests/support/dns_packet.h"
#include "tests/support/octets.h"

namespace namegate::resolver {
namespace {

using namespace std::string_literals;
using testing::AsOctets;
using testing::Bytes;

// A record of the answer section that leads to an address, names lower-cased and uncompressed.
struct Link {
  std::string owner;
  uint16_t type = 0;
  std::string data;
  bool operator==(const Link&) const = default;
};
using Links = std::vector<Link>;

bool Leads(uint16_t type) {
  return type == rrtype::kA || type == rrtype::kAaaa || type == rrtype::kCname;
}

std::string Lower(const uint8_t* octets, size_t size) {
  std::string lower(reinterpret_cast<const char*>(octets), size);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char letter) {
    return static_cast<char>(LowerCase(static_cast<uint8_t>(letter)));
  });
  return lower;
}

// What one reader makes of a message: its question, and the links of its answer section.
struct Seen {
  std::string qname;
  uint16_t qtype = 0;
  uint16_t qclass = 0;
  Links links;
  bool operator==(const Seen&) const = default;
};

Seen SeenByUs(const ResponseMessage& message) {
  Seen seen{std::string(message.qname.wire()), message.qtype, message.qclass, {}};
  for (const Record& record : message.answers) {
    if (!Leads(record.type)) continue;
    seen.links.push_back({std::string(record.owner.wire()), record.type, record.rdata});
  }
  return seen;
}

// The C library gives names as text; its own function turns them back into octets.
std::optional<std::string> LibcName(const char* text) {
  std::array<uint8_t, NS_MAXCDNAME + 1> wire{};
  if (ns_name_pton(text, wire.data(), wire.size()) < 0) return std::nullopt;
  size_t size = 1;
  for (size_t at = 0; wire[at] != 0; at += 1U + wire[at]) size += 1U + wire[at];
  return Lower(wire.data(), size);
}

std::optional<std::string> LibcData(const ns_msg& message, const ns_rr& record) {
  const uint8_t* data = ns_rr_rdata(record);
  if (ns_rr_type(record) != rrtype::kCname) return std::string(data, data + ns_rr_rdlen(record));
  std::array<uint8_t, NS_MAXCDNAME + 1> wire{};
  const int consumed =
      ns_name_unpack(ns_msg_base(message), ns_msg_end(message), data, wire.data(), wire.size());
  if (consumed < 0) return std::nullopt;
  size_t size = 1;
  for (size_t at = 0; wire[at] != 0; at += 1U + wire[at]) size += 1U + wire[at];
  return Lower(wire.data(), size);
}

// Nothing if the C library cannot read the question or a record of the answer section.
std::optional<Seen> SeenByLibc(std::span<const uint8_t> bytes) {
  ns_msg message;
  ns_rr question;
  if (ns_initparse(bytes.data(), static_cast<int>(bytes.size()), &message) != 0)
    return std::nullopt;
  if (ns_msg_count(message, ns_s_qd) != 1) return std::nullopt;
  if (ns_parserr(&message, ns_s_qd, 0, &question) != 0) return std::nullopt;
  const auto qname = LibcName(ns_rr_name(question));
  if (!qname) return std::nullopt;
  Seen seen{*qname,
            static_cast<uint16_t>(ns_rr_type(question)),
            static_cast<uint16_t>(ns_rr_class(question)),
            {}};
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) return std::nullopt;
    if (!Leads(static_cast<uint16_t>(ns_rr_type(record)))) continue;
    const auto owner = LibcName(ns_rr_name(record));
    const auto data = LibcData(message, record);
    if (!owner || !data) return std::nullopt;
    seen.links.push_back({*owner, static_cast<uint16_t>(ns_rr_type(record)), *data});
  }
  return seen;
}

std::string LdnsName(const ldns_rdf* name) {
  return Lower(ldns_rdf_data(name), ldns_rdf_size(name));
}

// Nothing if ldns refuses the message.
std::optional<Seen> SeenByLdns(std::span<const uint8_t> bytes) {
  const testing::Packet packet = testing::ParsePacket(Bytes(bytes.begin(), bytes.end()));
  if (!packet || ldns_rr_list_rr_count(ldns_pkt_question(packet.get())) != 1) return std::nullopt;
  const ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(packet.get()), 0);
  Seen seen{LdnsName(ldns_rr_owner(question)),
            static_cast<uint16_t>(ldns_rr_get_type(question)),
            static_cast<uint16_t>(ldns_rr_get_class(question)),
            {}};
  const ldns_rr_list* answers = ldns_pkt_answer(packet.get());
  for (size_t i = 0; i < ldns_rr_list_rr_count(answers); ++i) {
    const ldns_rr* record = ldns_rr_list_rr(answers, i);
    const auto type = static_cast<uint16_t>(ldns_rr_get_type(record));
    if (!Leads(type) || ldns_rr_rd_count(record) != 1) continue;
    const ldns_rdf* data = ldns_rr_rdf(record, 0);
    const std::string octets(ldns_rdf_data(data), ldns_rdf_data(data) + ldns_rdf_size(data));
    seen.links.push_back(
        {LdnsName(ldns_rr_owner(record)), type, type == rrtype::kCname ? LdnsName(data) : octets});
  }
  return seen;
}

// Where a plain resolver arrives: the addresses of the type asked for, at the end of the CNAMEs.
std::vector<std::string> ChainAddresses(const Seen& seen) {
  std::string owner = seen.qname;
  const auto cname = [&] {
    return std::find_if(seen.links.begin(), seen.links.end(), [&](const Link& link) {
      return link.type == rrtype::kCname && link.owner == owner;
    });
  };
  for (size_t hops = 0; hops <= kMaxChainHops && cname() != seen.links.end(); ++hops) {
    owner = cname()->data;
  }
  std::vector<std::string> addresses;
  for (const Link& link : seen.links) {
    if (link.type == seen.qtype && link.owner == owner) addresses.push_back(link.data);
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

// The addresses that the resolver would answer with.
std::vector<std::string> BelievedAddresses(const Answer& answer) {
  std::vector<std::string> addresses;
  if (!answer.records) return addresses;
  for (const Record& record : *answer.records) {
    if (record.type == rrtype::kA || record.type == rrtype::kAaaa)
      addresses.push_back(record.rdata);
  }
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

struct Tally {
  size_t accepted = 0;
  size_t refused = 0;
  size_t with_addresses = 0;  // of those accepted
  size_t ldns_refused = 0;    // of those accepted
  size_t disagreed = 0;       // of those refused: libc and ldns both read it, differently
};

// ldns 1.8.3 loses memory on a second TSIG record, which the leak checker would lay at our door.
bool HoldsTsig(std::span<const uint8_t> bytes) {
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == 0 && bytes[i + 1] == LDNS_RR_TYPE_TSIG) return true;
  }
  return false;
}

std::string Hex(std::span<const uint8_t> bytes) {
  std::string hex;
  for (const uint8_t octet : bytes) {
    for (const int digit : {octet >> 4, octet & 0xf}) hex += "0123456789abcdef"[digit];
  }
  return hex;
}

// Puts a response before the three. True if ours takes it.
bool Compare(std::span<const uint8_t> bytes, Tally& tally) {
  const auto message = ParseResponse(bytes);
  const auto libc = SeenByLibc(bytes);
  const auto ldns = HoldsTsig(bytes) ? std::nullopt : SeenByLdns(bytes);
  if (!message || message->truncated) {
    ++tally.refused;
    if (libc && ldns && libc->links != ldns->links) ++tally.disagreed;
    return message.has_value();
  }
  ++tally.accepted;
  INFO(Hex(bytes));
  const Seen ours = SeenByUs(*message);
  REQUIRE(libc.has_value());
  REQUIRE(*libc == ours);
  if (ldns) REQUIRE(*ldns == ours);
  if (!ldns) ++tally.ldns_refused;
  const Answer answer = ExtractAnswer(*message);
  if (answer.outcome != Reason::kRule || answer.rcode == rcode::kNxDomain) return true;
  const auto believed = BelievedAddresses(answer);
  REQUIRE(believed == ChainAddresses(*libc));
  if (!believed.empty()) ++tally.with_addresses;
  return true;
}

// Where the parts of a well-formed message begin, for mutations that know what they hit.
struct Layout {
  struct Record {
    size_t owner = 0;
    size_t rdlength = 0;
    size_t end = 0;
  };
  size_t question_end = 0;
  std::vector<Record> records;
};

size_t Number16(const Bytes& bytes, size_t at) { return size_t{bytes[at]} << 8 | bytes[at + 1]; }

size_t SkipName(const Bytes& bytes, size_t at) {
  while (bytes[at] != 0) {
    if (bytes[at] >= 0xc0) return at + 2;
    at += 1U + bytes[at];
  }
  return at + 1;
}

Layout LayoutOf(const Bytes& bytes) {
  Layout layout;
  layout.question_end = SkipName(bytes, kHeaderSize) + 4;
  for (size_t at = layout.question_end; at < bytes.size();) {
    Layout::Record record;
    record.owner = at;
    record.rdlength = SkipName(bytes, at) + 8;
    at = record.end = record.rdlength + 2 + Number16(bytes, record.rdlength);
    layout.records.push_back(record);
  }
  return layout;
}

// Deterministic: the engine's numbers are the same everywhere, and its seed is fixed.
class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  // Below `limit`, which is not 0.
  size_t Below(size_t limit) { return random_() % limit; }

  // One to three changes to one of `originals`.
  Bytes Mutated(const std::vector<Bytes>& originals) {
    Bytes bytes = originals[Below(originals.size())];
    const Layout layout = LayoutOf(bytes);
    for (size_t left = 1 + Below(3); left > 0; --left) Change(bytes, layout, originals);
    return bytes;
  }

 private:
  void Change(Bytes& bytes, const Layout& layout, const std::vector<Bytes>& originals) {
    if (bytes.size() < kHeaderSize) return;
    switch (Below(8)) {
      case 0:
        return FlipBit(bytes);
      case 1:
        bytes[Below(bytes.size())] = static_cast<uint8_t>(random_());
        return;
      case 2:
        return ChangeCount(bytes);
      case 3:
        return ChangeLength(bytes, layout);
      case 4:
        return PointElsewhere(bytes, layout);
      case 5:
        return Splice(bytes, layout, originals);
      case 6:
        return RepeatRecord(bytes, layout);
      default:
        return ChangeSize(bytes);
    }
  }

  void FlipBit(Bytes& bytes) {
    uint8_t& octet = bytes[Below(bytes.size())];
    octet = static_cast<uint8_t>(octet ^ 1U << Below(8));
  }

  void ChangeCount(Bytes& bytes) {
    const size_t at = 5 + 2 * Below(4);
    bytes[at] = static_cast<uint8_t>(bytes[at] + Below(5) - 2);
  }

  // The RDLENGTH of a record, and half the time the octets with it.
  void ChangeLength(Bytes& bytes, const Layout& layout) {
    if (layout.records.empty()) return;
    const Layout::Record& record = layout.records[Below(layout.records.size())];
    if (record.end > bytes.size()) return;
    const size_t more = Below(18);
    const size_t length = Number16(bytes, record.rdlength);
    const bool grow = Below(2) == 0;
    const size_t changed = grow ? length + more : length - std::min(length, more);
    bytes[record.rdlength] = static_cast<uint8_t>(changed >> 8);
    bytes[record.rdlength + 1] = static_cast<uint8_t>(changed);
    if (Below(2) == 0) return;
    const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(record.end);
    if (grow) {
      bytes.insert(end, more, static_cast<uint8_t>(random_()));
    } else {
      bytes.erase(end - static_cast<std::ptrdiff_t>(length - changed), end);
    }
  }

  // An owner, or the first octets of RDATA, becomes a pointer to anywhere.
  void PointElsewhere(Bytes& bytes, const Layout& layout) {
    if (layout.records.empty()) return;
    const Layout::Record& record = layout.records[Below(layout.records.size())];
    const size_t at = Below(2) == 0 ? record.owner : record.rdlength + 2;
    if (at + 2 > bytes.size()) return;
    const size_t target = Below(4) == 0 ? Below(0x4000) : Below(bytes.size());
    bytes[at] = static_cast<uint8_t>(0xc0 | target >> 8);
    bytes[at + 1] = static_cast<uint8_t>(target);
  }

  // The head of this message with records of another behind it, their number corrected or not.
  void Splice(Bytes& bytes, const Layout& layout, const std::vector<Bytes>& originals) {
    const Bytes& other = originals[Below(originals.size())];
    const Layout theirs = LayoutOf(other);
    if (theirs.records.empty()) return;
    const size_t kept = Below(layout.records.size() + 1);
    const size_t cut = kept == 0 ? layout.question_end : layout.records[kept - 1].end;
    const size_t from = Below(theirs.records.size());
    if (cut > bytes.size()) return;
    bytes.resize(cut);
    bytes.insert(bytes.end(),
                 other.begin() + static_cast<std::ptrdiff_t>(theirs.records[from].owner),
                 other.end());
    if (Below(4) == 0) return;
    bytes[7] = static_cast<uint8_t>(kept + theirs.records.size() - from);
    bytes[9] = bytes[11] = 0;
  }

  // A record once more at the end, counted as an answer or not.
  void RepeatRecord(Bytes& bytes, const Layout& layout) {
    if (layout.records.empty()) return;
    const Layout::Record& record = layout.records[Below(layout.records.size())];
    if (record.end > bytes.size()) return;
    const Bytes copy(bytes.begin() + static_cast<std::ptrdiff_t>(record.owner),
                     bytes.begin() + static_cast<std::ptrdiff_t>(record.end));
    bytes.insert(bytes.end(), copy.begin(), copy.end());
    if (Below(4) != 0) ++bytes[7];
  }

  void ChangeSize(Bytes& bytes) {
    if (Below(2) == 0) {
      bytes.resize(bytes.size() - std::min(bytes.size(), 1 + Below(12)));
    } else {
      bytes.insert(bytes.end(), 1 + Below(16), static_cast<uint8_t>(random_()));
    }
  }

  std::mt19937 random_;
};

constexpr char kZone[] = R"(
  a.example.org. 60 IN A 192.0.2.7
  a.example.org. 60 IN A 192.0.2.8
  a.example.org. 60 IN AAAA 2001:db8::7
  a.example.org. 60 IN AAAA 2001:db8::8
  a.example.org. 60 IN TXT "some text" "and more"
  a.example.org. 60 IN MX 10 mx.example.org.
  a.example.org. 60 IN SRV 1 2 443 b.example.org.
  a.example.org. 60 IN CAA 0 issue "ca.example.net"
  www.example.org. 30 IN CNAME mid.example.net.
  mid.example.net. 20 IN CNAME Deep.Name.In.A.example.org.
  deep.name.in.a.example.org. 60 IN A 203.0.113.1
  deep.name.in.a.example.org. 60 IN AAAA 2001:db8::1
  loop.example.org. 60 IN CNAME pool.example.org.
  pool.example.org. 60 IN CNAME loop.example.org.
  7.2.0.192.in-addr.arpa. 60 IN PTR a.example.org.
)";

// Real responses: what a server built with ldns says to real questions, with and without EDNS.
std::vector<Bytes> RealResponses() {
  const testing::AuthorityZone zone(kZone);
  std::vector<Bytes> responses;
  const std::pair<const char*, const char*> questions[] = {
      {"a.example.org.", "A"},           {"a.example.org.", "AAAA"},
      {"a.example.org.", "TXT"},         {"a.example.org.", "MX"},
      {"a.example.org.", "SRV"},         {"a.example.org.", "CAA"},
      {"www.example.org.", "A"},         {"www.example.org.", "AAAA"},
      {"WWW.example.org.", "CNAME"},     {"loop.example.org.", "A"},
      {"no.example.org.", "A"},          {"mid.example.net.", "TXT"},
      {"7.2.0.192.in-addr.arpa.", "PTR"}};
  for (const auto& [name, type] : questions) {
    for (const uint16_t payload : {uint16_t{0}, uint16_t{1232}}) {
      const Bytes query = testing::MakeQuery(name, type, {.udp_payload = payload});
      responses.push_back(zone.Answer(testing::ParsePacket(query).get(), true));
    }
  }
  return responses;
}

TEST_CASE("Three readers see the same addresses in real responses") {
  Tally tally;
  for (const Bytes& response : RealResponses()) CHECK(Compare(response, tally));
  CHECK(tally.with_addresses >= 8);
  CHECK(tally.ldns_refused == 0);
}

TEST_CASE("Of 40,000 mutated responses, ours takes none in which the others see other addresses") {
  constexpr size_t kMutations = 40'000;
  const std::vector<Bytes> originals = RealResponses();
  Mutator mutator(20'260'101);
  Tally tally;
  for (size_t i = 0; i < kMutations; ++i) Compare(mutator.Mutated(originals), tally);
  CAPTURE(tally.accepted, tally.refused, tally.with_addresses, tally.ldns_refused, tally.disagreed);
  CHECK(tally.accepted + tally.refused == kMutations);
  CHECK(tally.accepted > kMutations / 50);
  CHECK(tally.refused > kMutations / 4);
  CHECK(tally.with_addresses > kMutations / 100);
  // ldns refuses hardly anything that ours takes: only RDATA of types that are opaque to us.
  CHECK(tally.ldns_refused < tally.accepted / 20);
  // The others do disagree with each other, about messages that ours refuses: the rule is needed.
  CHECK(tally.disagreed > 0);
}

// A response about "a.example A" with `answers` records in `body`.
std::string About(const std::string& body, char answers, char additional = 0) {
  return "\x12\x34"   // ID
         "\x81\x80"   // QR, RD, RA
         "\x00\x01"s  // QDCOUNT
         + "\x00"s + answers + "\x00\x00\x00"s + additional +
         "\x01"
         "a\x07"
         "example\x00"
         "\x00\x01"
         "\x00\x01"s +
         body;
}

// Owner as a pointer to the question, class IN, TTL 60.
std::string Rr(const std::string& type, int rdlength, const std::string& rdata) {
  return "\xc0\x0c" + type +
         "\x00\x01"
         "\x00\x00\x00\x3c"
         "\x00"s +
         static_cast<char>(rdlength) + rdata;
}

struct HandMade {
  const char* what;  // and the report or class that it stands for
  std::string message;
  bool taken;  // by ours
};

std::vector<HandMade> HandMadeResponses() {
  const std::string a = "\x00\x01"s;
  const std::string aaaa = "\x00\x1c"s;
  const std::string cname = "\x00\x05"s;
  const std::string public_address = "\xc0\x00\x02\x07"s;   // 192.0.2.7
  const std::string private_address = "\x0a\x00\x00\x01"s;  // 10.0.0.1
  const std::string good = Rr(a, 4, public_address);
  const std::string hidden = Rr(a, 4, private_address);
  const std::string opt =
      "\x00"
      "\x00\x29"
      "\x04\xd0"
      "\x00\x00\x00\x00"
      "\x00\x00"s;
  return {
      {"one address", About(good, 1), true},
      {"two addresses, of which the second is another's to judge", About(good + hidden, 2), true},
      {"a record hidden in what is left over of an A record's RDATA: the judge skips it, a reader "
       "that goes by the type's length finds it (the class of ldns reading 4 of 20 octets)",
       About(Rr(a, 20, public_address + hidden), 2), false},
      {"an A record without RDATA: the next record's first octets are the address, to one who does "
       "not look (RFC 9267 §5)",
       About(Rr(a, 0, "") + good, 2), false},
      {"an A record of 16 octets, an AAAA record of 4 (RFC 9267 §5)",
       About(Rr(a, 16, std::string(16, '\x20')) + Rr(aaaa, 4, public_address), 2), false},
      {"a CNAME whose RDATA goes on behind the name (RFC 9267 §5)",
       About(Rr(cname, 7, "\x01x\x00"s + public_address) + good, 2), false},
      {"a CNAME whose name runs over the end of its RDATA (RFC 9267 §5)",
       About(Rr(cname, 2, "\x01x"s) + "\x00"s + good, 2), false},
      {"a CNAME and an address at its target, by pointers into RDATA",
       About(Rr(cname, 4, "\x01x\xc0\x0e") + "\xc0\x27" + hidden.substr(2), 2), true},
      {"the same with a pointer that leads forwards (RFC 9267 §2)",
       About(Rr(cname, 2, "\xc0\x29") + "\x01x\xc0\x0e" + hidden.substr(2), 2), false},
      {"an owner that points to itself, an endless loop (RFC 9267 §2)",
       About("\xc0\x1b" + good.substr(2), 1), false},
      {"an answer in the additional section only (RFC 2181 §5.4.1: not to be believed)",
       About(hidden, 0, 1), true},
      {"more records than are counted: those behind are nobody's (RFC 9267 §6)",
       About(good + hidden, 1), false},
      {"fewer records than are counted (RFC 9267 §6)", About(good, 2), false},
      {"a SINK record that is longer than ldns reads (the class of what is left over, as above)",
       About(Rr("\x00\x28"s, 17, "\x10" + hidden) + good, 2), false},
      {"two OPT records (RFC 6891 §6.1.1)", About(good + opt + opt, 1, 2), false},
      {"an OPT record among the answers (RFC 6891 §6.1.1)", About(opt + good, 2), false},
      {"an address of class CH, another name space (RFC 1034 §3.6)",
       About("\xc0\x0c"
             "\x00\x01"
             "\x00\x03"
             "\x00\x00\x00\x3c"
             "\x00\x04"s +
                 public_address,
             1),
       false},
      {"labels with a dot and a zero in them: the text of a name is not the name (RFC 9267 §4 "
       "for one of the ways in which programs confuse them)",
       About("\x03"
             "a.\x00\x07"
             "example\x00"s +
                 good.substr(2),
             1),
       true},
      {"letters of the owner in another case (RFC 4343 §3)",
       About("\x01"
             "A\x07"
             "EXAMPLE\x00"s +
                 good.substr(2),
             1),
       true},
      {"letters outside ASCII are no letters (RFC 4343 §2)",
       About("\x01\xc1\x07"
             "example\x00"s +
                 good.substr(2),
             1),
       true},
  };
}

TEST_CASE("Hostile messages made by hand are seen alike by three readers, or refused by ours") {
  Tally tally;
  for (const HandMade& hand_made : HandMadeResponses()) {
    INFO(hand_made.what);
    CHECK(Compare(AsOctets(hand_made.message), tally) == hand_made.taken);
  }
  // Of those that ours refuses, the C library and ldns read some, and differ about the addresses.
  CHECK(tally.disagreed >= 1);
}

// Of types whose form it knows, ldns reads that, and takes what is left over of their RDATA for the
// next record.
TEST_CASE("In RDATA of no type can a record hide that ldns finds and ours does not") {
  const std::string a = "\x00\x01"s;
  const std::string hidden = Rr(a, 4, "\x0a\x00\x00\x01"s);
  const std::string good = Rr(a, 4, "\xc0\x00\x02\x07"s);
  Tally tally;
  for (int type = 1; type < 300; ++type) {
    for (int before = 0; before < 60; ++before) {
      const std::string rdata = std::string(static_cast<size_t>(before), '\0') + hidden;
      const std::string octets = {static_cast<char>(type >> 8), static_cast<char>(type)};
      Compare(AsOctets(About(Rr(octets, static_cast<int>(rdata.size()), rdata) + good, 2)), tally);
    }
  }
  CHECK(tally.disagreed > 0);
}

// A name in RDATA whose last label reaches into the records behind it: who does not see a name
// there goes on with the next record, who does goes on where the name ends.
TEST_CASE("In RDATA of no type can a name reach out and find a record that ours does not") {
  const std::string a = "\x00\x01"s;
  const std::string null = "\x00\x0a"s;
  const std::string hidden = Rr(a, 4, "\x0a\x00\x00\x01"s);
  const std::string good = Rr(a, 4, "\xc0\x00\x02\x07"s);
  const std::string behind =
      good + Rr(null, 1 + 2 * static_cast<int>(hidden.size()), "\x00"s + hidden + hidden);
  // The label takes in the good record and the head of the one behind it.
  const char label = static_cast<char>(good.size() + 12);
  std::mt19937 random(20'260'103);
  Tally tally;
  for (int type = 1; type < 300; ++type) {
    const std::string octets = {static_cast<char>(type >> 8), static_cast<char>(type)};
    for (int round = 0; round < 300; ++round) {
      std::string rdata(random() % 26, '\0');
      for (char& octet : rdata) octet = static_cast<char>(round < 100 ? 0 : random() % 4);
      rdata += label;
      Compare(AsOctets(About(Rr(octets, static_cast<int>(rdata.size()), rdata) + behind, 3)),
              tally);
    }
  }
  CHECK(tally.disagreed > 0);
}

// A query before the three. True if ours takes it.
bool CompareQuery(std::span<const uint8_t> bytes) {
  const ParsedQuery parsed = ParseQuery(bytes);
  if (parsed.fault != QueryFault::kNone) return false;
  const QueryMessage& message = parsed.message;
  INFO(Hex(bytes));
  const Seen ours{std::string(message.qname->wire()), message.qtype, message.qclass, {}};
  const auto libc = SeenByLibc(bytes);
  REQUIRE(libc.has_value());
  REQUIRE(*libc == ours);
  const testing::Packet packet = testing::ParsePacket(Bytes(bytes.begin(), bytes.end()));
  REQUIRE(packet != nullptr);
  const auto ldns = SeenByLdns(bytes);
  REQUIRE(ldns.has_value());
  REQUIRE(*ldns == ours);
  REQUIRE(ldns_pkt_id(packet.get()) == message.id);
  REQUIRE(ldns_pkt_rd(packet.get()) == message.recursion_desired);
  REQUIRE(ldns_pkt_cd(packet.get()) == message.checking_disabled);
  REQUIRE(ldns_pkt_edns(packet.get()) == message.edns.has_value());
  if (message.edns) {
    REQUIRE(ldns_pkt_edns_udp_size(packet.get()) == message.edns->udp_payload);
  }
  return true;
}

TEST_CASE("Of 40,000 mutated queries, ours takes none in which the others see another question") {
  constexpr size_t kMutations = 40'000;
  std::vector<Bytes> originals;
  for (const char* name : {"a.example.org.", "WWW.Example.org.", "x.", "."}) {
    for (const uint16_t payload : {uint16_t{0}, uint16_t{1232}}) {
      originals.push_back(testing::MakeQuery(name, "A", {.udp_payload = payload}));
      CHECK(CompareQuery(originals.back()));
    }
  }
  Mutator mutator(20'260'102);
  size_t accepted = 0;
  for (size_t i = 0; i < kMutations; ++i) {
    if (CompareQuery(mutator.Mutated(originals))) ++accepted;
  }
  CAPTURE(accepted);
  CHECK(accepted > kMutations / 50);
  CHECK(accepted < kMutations * 3 / 4);
}

}  // namespace
}  // namespace namegate::resolver
