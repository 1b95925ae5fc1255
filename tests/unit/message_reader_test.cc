#include "resolver/message_reader.h"

#include <catch2/catch.hpp>

#include "tests/support/octets.h"

// Hostile messages as annotated octets. What each stands for is said where it stands.

namespace namegate::resolver {
namespace {

using namespace std::string_literals;
using testing::AsOctets;

const std::string kQueryHeader =
    "\x12\x34"    // ID
    "\x01\x00"    // RD
    "\x00\x01"    // QDCOUNT
    "\x00\x00"    // ANCOUNT
    "\x00\x00"    // NSCOUNT
    "\x00\x00"s;  // ARCOUNT
const std::string kQuestionA =
    "\x01"
    "a\x07"
    "ExAmPlE\x00"s
    "\x00\x01"
    "\x00\x01"s;
const std::string kOpt =
    "\x00"s
    "\x00\x29"
    "\x04\xd0"
    "\x00\x00\x00\x00"
    "\x00\x00"s;

std::string WithCounts(std::string message, int qd, int an, int ns, int ar) {
  const int counts[] = {qd, an, ns, ar};
  for (size_t i = 0; i < 4; ++i) message[5 + 2 * i] = static_cast<char>(counts[i]);
  return message;
}

std::string Query(const std::string& body, int qd = 1, int an = 0, int ns = 0, int ar = 0) {
  return WithCounts(kQueryHeader, qd, an, ns, ar) + body;
}

// A response to kQuestionA with `answers` records in `body`.
std::string ResponseOctets(const std::string& body, int an = 1, int ns = 0, int ar = 0) {
  std::string message = WithCounts(kQueryHeader, 1, an, ns, ar);
  message[2] = '\x81';
  message[3] = '\x80';
  return message + kQuestionA + body;
}

QueryFault FaultOf(const std::string& message) { return ParseQuery(AsOctets(message)).fault; }
bool Accepted(const std::string& response) { return ParseResponse(AsOctets(response)).has_value(); }

// Owner "a.example" as a pointer to the question, class IN, TTL 60.
std::string Rr(const std::string& type, const std::string& rdata, int rdlength = -1) {
  const size_t length = rdlength < 0 ? rdata.size() : static_cast<size_t>(rdlength);
  return "\xc0\x0c" + type +
         "\x00\x01"
         "\x00\x00\x00\x3c"s +
         static_cast<char>(length >> 8) + static_cast<char>(length & 0xff) + rdata;
}
const std::string kA = "\x00\x01"s;
const std::string kCname = "\x00\x05"s;
const std::string kTxt = "\x00\x10"s;
const std::string kAaaa = "\x00\x1c"s;
const std::string kAddressRecord = "\xc0\x00\x02\x07"s;

TEST_CASE("A plain query is read, its name lower-cased and its octets kept") {
  const auto parsed = ParseQuery(AsOctets(Query(kQuestionA)));
  REQUIRE(parsed.fault == QueryFault::kNone);
  CHECK(parsed.message.id == 0x1234);
  CHECK(parsed.message.recursion_desired);
  CHECK(parsed.message.qname->ToText() == "a.example");
  CHECK(parsed.message.qtype == 1);
  CHECK(parsed.message.question_wire == kQuestionA);
  CHECK_FALSE(parsed.message.edns);
}

TEST_CASE("A query with an OPT record gives what the client offers") {
  const auto parsed = ParseQuery(AsOctets(Query(kQuestionA + kOpt, 1, 0, 0, 1)));
  REQUIRE(parsed.fault == QueryFault::kNone);
  CHECK(parsed.message.edns->udp_payload == 1232);
}

TEST_CASE("Less than a header, and responses, are not answered") {
  CHECK(FaultOf("") == QueryFault::kIgnore);
  CHECK(FaultOf(kQueryHeader.substr(0, 11)) == QueryFault::kIgnore);
  std::string response = Query(kQuestionA);
  response[2] = '\x81';
  CHECK(FaultOf(response) == QueryFault::kIgnore);
}

TEST_CASE("Every cut of a good query is malformed, never a crash") {
  const std::string whole = Query(kQuestionA + kOpt, 1, 0, 0, 1);
  for (size_t length = kHeaderSize; length < whole.size(); ++length) {
    INFO(length);
    CHECK(FaultOf(whole.substr(0, length)) == QueryFault::kMalformed);
  }
}

TEST_CASE("A query must ask exactly one question and nothing else") {
  CHECK(FaultOf(Query("", 0)) == QueryFault::kMalformed);
  CHECK(FaultOf(Query(kQuestionA + kQuestionA, 2)) == QueryFault::kMalformed);
  CHECK(FaultOf(Query(kQuestionA + "x")) == QueryFault::kMalformed);  // octets left over
  CHECK(FaultOf(Query(kQuestionA + Rr(kA, kAddressRecord), 1, 1)) == QueryFault::kMalformed);
  CHECK(FaultOf(Query(kQuestionA + Rr(kA, kAddressRecord), 1, 0, 1)) == QueryFault::kMalformed);
  CHECK(FaultOf(Query(kQuestionA + Rr(kA, kAddressRecord), 1, 0, 0, 1)) == QueryFault::kMalformed);
  CHECK(FaultOf(Query(kQuestionA + kOpt + kOpt, 1, 0, 0, 2)) == QueryFault::kMalformed);
}

TEST_CASE("Names in questions hold no pointers and no labels of unknown type") {
  const std::string tail = "\x00\x01\x00\x01"s;
  CHECK(FaultOf(Query("\xc0\x0c" + tail)) == QueryFault::kMalformed);  // points to itself
  CHECK(FaultOf(Query("\xc0\x00" + tail)) == QueryFault::kMalformed);  // into the header
  CHECK(FaultOf(Query("\x41"
                      "a\x00"s +
                      tail)) == QueryFault::kMalformed);  // RFC 6891's label 01
  CHECK(FaultOf(Query("\x80"
                      "a\x00"s +
                      tail)) == QueryFault::kMalformed);
}

TEST_CASE("A name of 255 octets is read, one of 256 is malformed") {
  const std::string label = "\x3f" + std::string(63, 'x');
  const std::string tail = "\x00\x00\x01\x00\x01"s;
  CHECK(FaultOf(Query(label + label + label + "\x3d" + std::string(61, 'x') + tail)) ==
        QueryFault::kNone);
  CHECK(FaultOf(Query(label + label + label + "\x3e" + std::string(62, 'x') + tail)) ==
        QueryFault::kMalformed);
}

TEST_CASE("Other opcodes are not implemented, whatever follows") {
  for (int opcode = 1; opcode < 16; ++opcode) {
    std::string message = Query("garbage");
    message[2] = static_cast<char>(opcode << 3);
    CHECK(FaultOf(message) == QueryFault::kNotImplemented);
  }
}

TEST_CASE("EDNS versions above 0 are told so") {
  std::string opt = kOpt;
  opt[6] = 1;
  CHECK(FaultOf(Query(kQuestionA + opt, 1, 0, 0, 1)) == QueryFault::kBadEdnsVersion);
}

TEST_CASE("EDNS options must fill their record, and there may be sixteen") {
  const auto with_options = [](const std::string& options) {
    std::string opt = kOpt;
    opt[9] = static_cast<char>(options.size() >> 8);
    opt[10] = static_cast<char>(options.size());
    return FaultOf(Query(kQuestionA + opt + options, 1, 0, 0, 1));
  };
  const std::string cookie =
      "\x00\x0a\x00\x02"
      "ab"s;
  std::string sixteen;
  for (int i = 0; i < 16; ++i) sixteen += cookie;
  CHECK(with_options(sixteen) == QueryFault::kNone);
  CHECK(with_options(sixteen + cookie) == QueryFault::kMalformed);
  CHECK(with_options(cookie.substr(0, 5)) == QueryFault::kMalformed);
  CHECK(with_options("\x00\x0a\x00\xff"
                     "ab"s) == QueryFault::kMalformed);
  CHECK(with_options("\x00\x0a\x00"s) == QueryFault::kMalformed);
}

TEST_CASE("An OPT record that is not the root's is malformed") {
  CHECK(FaultOf(Query(kQuestionA +
                          "\x01"
                          "a" +
                          kOpt,
                      1, 0, 0, 1)) == QueryFault::kMalformed);
}

TEST_CASE("A response is read with its chain and addresses") {
  const std::string body = Rr(kCname,
                              "\x01"
                              "B\xc0\x0e") +  // b.example, by a pointer
                           "\x01"
                           "b\xc0\x0e" +
                           Rr(kA, kAddressRecord).substr(2);
  const auto response = ParseResponse(AsOctets(ResponseOctets(body, 2)));
  REQUIRE(response);
  REQUIRE(response->answers.size() == 2);
  CHECK(response->answers[0].rdata ==
        "\x01"
        "b\x07"
        "example\x00"s);
  CHECK(response->answers[1].owner.ToText() == "b.example");
  CHECK(response->answers[1].rdata == kAddressRecord);
  CHECK(response->answers[1].ttl_s == 60);
}

TEST_CASE("Every cut of a good response is refused") {
  const std::string whole = ResponseOctets(Rr(kA, kAddressRecord) + kOpt, 1, 0, 1);
  REQUIRE(Accepted(whole));
  for (size_t length = 0; length < whole.size(); ++length) {
    INFO(length);
    CHECK_FALSE(Accepted(whole.substr(0, length)));
  }
}

// RDATA that does not fill its RDLENGTH: what one reader skips, another reads as the next record,
// so that the judge and the program would see different addresses.
TEST_CASE("RDATA must have exactly the length that its type has") {
  CHECK(Accepted(ResponseOctets(Rr(kA, kAddressRecord))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kA, ""))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kA, kAddressRecord + "x"))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kA, std::string(16, 'x')))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kAaaa, kAddressRecord))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kCname,
                                         "\x01"
                                         "b\x00"
                                         "x"s))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kCname,
                                         "\x01"
                                         "b\x00"s,
                                         2))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kTxt, ""))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kTxt,
                                         "\x05"
                                         "abc"))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kA, kAddressRecord, 65'535))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr("\x00\x06"s,
                                         "\x00\x00"
                                         "too short"s))));                  // SOA
  CHECK_FALSE(Accepted(ResponseOctets(Rr("\x00\x21"s, "\x00\x01\x00"s))));  // SRV
}

// RFC 9267 §2: pointers that nobody checks, as several stacks were found to follow them.
TEST_CASE("Pointers that lead forwards, to themselves or in circles are refused") {
  const std::string tail = kA +
                           "\x00\x01"
                           "\x00\x00\x00\x3c"
                           "\x00\x04"s +
                           kAddressRecord;
  const size_t at = kHeaderSize + kQuestionA.size();
  const auto pointer = [](size_t to) {
    return std::string{static_cast<char>(0xc0 | to >> 8), static_cast<char>(to)};
  };
  CHECK(Accepted(ResponseOctets(pointer(12) + tail)));
  CHECK_FALSE(Accepted(ResponseOctets(pointer(at) + tail)));      // to itself
  CHECK_FALSE(Accepted(ResponseOctets(pointer(at + 2) + tail)));  // forwards
  CHECK_FALSE(Accepted(ResponseOctets(pointer(4) + tail)));       // into the header
  CHECK_FALSE(
      Accepted(ResponseOctets("\x01"
                              "x" +
                              pointer(at) + tail)));  // a circle with a label
  CHECK_FALSE(Accepted(ResponseOctets("\xc0"s)));     // half a pointer
}

TEST_CASE("A chain of more than sixteen pointers is refused") {
  const auto chain = [](size_t hops) {
    // A TXT record whose octets are pointers, each to the one before, the first to the question.
    std::string pointers;
    const size_t base = kHeaderSize + kQuestionA.size() + 12 + 1;
    for (size_t i = 0; i + 1 < hops; ++i) {
      const size_t to = i == 0 ? 12 : base + 2 * (i - 1);
      pointers += static_cast<char>(0xc0 | to >> 8);
      pointers += static_cast<char>(to);
    }
    const size_t last = hops == 1 ? 12 : base + 2 * (hops - 2);
    std::string owner = {static_cast<char>(0xc0 | last >> 8), static_cast<char>(last)};
    const std::string text = std::string(1, static_cast<char>(pointers.size())) + pointers;
    return ResponseOctets(Rr(kTxt, text) + owner + Rr(kA, kAddressRecord).substr(2), 2);
  };
  CHECK(Accepted(chain(16)));
  CHECK_FALSE(Accepted(chain(17)));
}

TEST_CASE("Names that pointers make longer than 255 octets are refused") {
  // 63-octet labels, each record's owner one label in front of the last owner.
  std::string body;
  size_t previous = 12;
  size_t at = kHeaderSize + kQuestionA.size();
  std::vector<bool> accepted;
  for (int records = 1; records <= 4; ++records) {
    const std::string owner =
        "\x3f" + std::string(63, 'x') +
        std::string{static_cast<char>(0xc0 | previous >> 8), static_cast<char>(previous)};
    previous = at;
    const std::string record = owner + Rr(kA, kAddressRecord).substr(2);
    at += record.size();
    body += record;
    accepted.push_back(Accepted(ResponseOctets(body, records)));
  }
  CHECK(accepted == std::vector<bool>{true, true, true, false});
}

// Found by fuzzing. Runs of 0x18 and of 0x04 are labels from wherever one begins to read them, so
// that a name can go through the same octets more than once, each time in other labels.
TEST_CASE("A name that pointers make larger than its message is refused, as the C library does") {
  const std::string labels = std::string(9, '\x18') + "A" + std::string(24, '\x18') +
                             std::string(39, '\x04') + "\x18\x18\x01\xc0\x0c";
  const std::string message =
      "\x00\x01\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00"
      "\x03www\x07"
      "example\x03org\x00"
      "\x00\x01\x00"s +
      labels +
      Rr(kCname,
         "\x01"
         "a\xc0\x26")
          .substr(2) +
      "\x01"
      "a\xc0\x27" +
      Rr(kA, kAddressRecord).substr(2);
  CHECK_FALSE(Accepted(message));
  // With more octets behind, the name is as good as any.
  std::string longer = message + Rr(kTxt, "\x3f" + std::string(63, 'x'));
  longer[7] = 3;
  CHECK(Accepted(longer));
}

TEST_CASE("Octets behind the last record are refused") {
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kA, kAddressRecord) + "x")));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(kA, kAddressRecord) + Rr(kA, kAddressRecord), 1)));
}

TEST_CASE("Records of other classes are refused") {
  std::string chaos = Rr(kA, kAddressRecord);
  chaos[5] = 3;
  CHECK_FALSE(Accepted(ResponseOctets(chaos)));
}

TEST_CASE("A second OPT record, or one outside the additional section, is refused") {
  CHECK(Accepted(ResponseOctets(kOpt, 0, 0, 1)));
  CHECK_FALSE(Accepted(ResponseOctets(kOpt + kOpt, 0, 0, 2)));
  CHECK_FALSE(Accepted(ResponseOctets(kOpt, 1, 0, 0)));
}

TEST_CASE("More than 256 records, or counts that the octets do not bear out, are refused") {
  std::string body;
  for (int i = 0; i < 200; ++i) body += Rr(kA, kAddressRecord);
  CHECK(Accepted(ResponseOctets(body, 200)));
  CHECK_FALSE(Accepted(ResponseOctets(body, 199)));
  CHECK_FALSE(Accepted(ResponseOctets(body, 201)));
  std::string many = ResponseOctets("", 0);
  many[6] = 1;  // ANCOUNT 257
  many[7] = 1;
  for (int i = 0; i < 257; ++i) many += Rr(kA, kAddressRecord);
  CHECK_FALSE(Accepted(many));
}

TEST_CASE("A response without a question, with two, or too long is refused") {
  std::string none = ResponseOctets(Rr(kA, kAddressRecord));
  none[5] = 0;
  CHECK_FALSE(Accepted(none));
  std::string two = ResponseOctets("", 0);
  two[5] = 2;
  CHECK_FALSE(Accepted(two + kQuestionA));
  std::string large = ResponseOctets("", 0);
  for (int i = 0; i < 70; ++i) {
    large += Rr(kTxt, "\xff" + std::string(255, 'x'));
  }
  large[7] = 70;
  CHECK_FALSE(Accepted(large));
}

// Left compressed, they would lead into a message that the client never sees (RFC 3597 §4).
TEST_CASE("Names in types that are otherwise opaque are decompressed") {
  const std::string pointer = "\xc0\x0c"s;
  const std::string name =
      "\x01"
      "a\x07"
      "example\x00"s;
  const std::tuple<int, std::string, std::string> records[] = {
      {3, "", ""},                                   // MD
      {4, "", ""},                                   // MF
      {7, "", ""},                                   // MB
      {8, "", ""},                                   // MG
      {9, "", ""},                                   // MR
      {14, name, ""},                                // MINFO
      {17, name, ""},                                // RP
      {18, "\x00\x01"s, ""},                         // AFSDB
      {21, "\x00\x01"s, ""},                         // RT
      {26, "\x00\x01"s, name},                       // PX
      {35, "\x00\x01\x00\x02\x01u\x02to\x00"s, ""},  // NAPTR
      {36, "\x00\x01"s, ""},                         // KX
  };
  for (const auto& [number, front, back] : records) {
    INFO(number);
    const std::string type = {'\0', static_cast<char>(number)};
    const auto response = ParseResponse(AsOctets(ResponseOctets(Rr(type, front + pointer + back))));
    REQUIRE(response);
    CHECK(response->answers[0].rdata == front + name + back);
    CHECK_FALSE(Accepted(ResponseOctets(Rr(type, front + pointer + back + "x"))));
    CHECK_FALSE(Accepted(ResponseOctets(Rr(type, front + "\xc0"s))));
    CHECK_FALSE(Accepted(ResponseOctets(Rr(type, ""))));
  }
  // A string that is longer than its record.
  CHECK_FALSE(
      Accepted(ResponseOctets(Rr("\x00\x23"s, "\x00\x01\x00\x02\xffu\x02to\x00"s + pointer))));
}

TEST_CASE("SVCB parameters must be whole and in growing order") {
  const std::string https = "\x00\x41"s;
  const std::string start =
      "\x00\x01"
      "\x00"s;  // priority 1, target "."
  const std::string port =
      "\x00\x03"
      "\x00\x02"
      "\x01\xbb"s;
  const std::string hint =
      "\x00\x04"
      "\x00\x04"s +
      kAddressRecord;
  CHECK(Accepted(ResponseOctets(Rr(https, start + port + hint))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(https, start + hint + port))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(https, start + port + port))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(https, start + hint.substr(0, 6)))));
  CHECK_FALSE(Accepted(ResponseOctets(Rr(https,
                                         "\x00\x01"
                                         "\xc0\x0c"s))));  // target compressed
}

TEST_CASE("A truncated response is read up to its question only") {
  std::string truncated = ResponseOctets("cut somewhere", 5);
  truncated[2] = '\x83';
  const auto response = ParseResponse(AsOctets(truncated));
  REQUIRE(response);
  CHECK(response->truncated);
  CHECK(response->answers.empty());
}

TEST_CASE("The extended bits of the RCODE are read from the OPT record") {
  std::string opt = kOpt;
  opt[5] = 1;
  CHECK(ParseResponse(AsOctets(ResponseOctets(opt, 0, 0, 1)))->rcode == 16);
}

TEST_CASE("A TTL with its top bit set is zero") {
  std::string record = Rr(kA, kAddressRecord);
  record[6] = '\x80';
  CHECK(ParseResponse(AsOctets(ResponseOctets(record)))->answers[0].ttl_s == 0);
}

}  // namespace
}  // namespace namegate::resolver
