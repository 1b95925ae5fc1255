#include "resolver/message_builder.h"

#include <catch2/catch.hpp>

#include "resolver/message_reader.h"
#include "tests/support/octets.h"
#include "tests/support/parsed.h"

namespace namegate::resolver {
namespace {

using testing::AsOctets;

using testing::Name;

QueryMessage QueryFor(const char* name, uint16_t qtype, bool edns = true) {
  QueryMessage query;
  query.id = 0x1234;
  query.recursion_desired = true;
  query.qname = Name(name);
  query.qtype = qtype;
  query.qclass = kClassIn;
  query.question_wire = RandomCaseQuestion(*query.qname, qtype);
  if (edns) query.edns = Edns{1232, 0};
  return query;
}

Record AddressRecord(const char* owner, uint32_t ttl_s, uint8_t last = 7) {
  return {Name(owner), rrtype::kA, ttl_s, {'\xc0', '\x00', '\x02', static_cast<char>(last)}};
}

std::shared_ptr<const AnswerSet> Set(AnswerSet records) {
  return std::make_shared<const AnswerSet>(std::move(records));
}

ResponseMessage Reread(const BuiltResponse& built) {
  const auto response = ParseResponse(AsOctets(built.bytes));
  REQUIRE(response);
  return *response;
}

TEST_CASE("A built response reads back as what was meant, its question as it was asked") {
  const QueryMessage query = QueryFor("www.example.org", rrtype::kA);
  const AnswerSet chain = {
      {Name("www.example.org"), rrtype::kCname, 300, std::string(Name("cdn.example.net").wire())},
      AddressRecord("cdn.example.net", 60, 1),
      AddressRecord("cdn.example.net", 60, 2)};
  Response response;
  response.answer = Set(chain);
  const ResponseMessage reread = Reread(BuildResponse(query, response, 1232));
  CHECK(reread.id == 0x1234);
  CHECK(reread.question_wire == query.question_wire);
  CHECK(reread.answers == chain);
}

TEST_CASE("TTLs age by the age of the answer, never below zero") {
  Response response;
  response.answer = Set({AddressRecord("a.example", 60), AddressRecord("a.example", 5)});
  response.answer_age_s = 10;
  const auto reread = Reread(BuildResponse(QueryFor("a.example", rrtype::kA), response, 1232));
  CHECK(reread.answers[0].ttl_s == 50);
  CHECK(reread.answers[1].ttl_s == 0);
}

TEST_CASE("A denial carries the SOA of the parent with the negative TTL") {
  Response response;
  response.rcode = rcode::kNxDomain;
  response.negative_ttl_s = 5;
  const auto reread =
      Reread(BuildResponse(QueryFor("evil.example.org", rrtype::kA), response, 1232));
  CHECK(reread.rcode == rcode::kNxDomain);
  REQUIRE(reread.authorities.size() == 1);
  CHECK(reread.authorities[0].owner == Name("example.org"));
  CHECK(reread.authorities[0].type == rrtype::kSoa);
  CHECK(reread.authorities[0].ttl_s == 5);
}

TEST_CASE("A denial of the root is well formed") {
  Response response;
  response.negative_ttl_s = 5;
  const auto reread = Reread(BuildResponse(QueryFor(".", 2), response, 1232));
  CHECK(reread.authorities[0].owner.is_root());
}

TEST_CASE("The extended error goes to those who sent an OPT record, and to no others") {
  Response response;
  response.ede = ede::kBlocked;
  response.ede_text = "not allowed";
  const auto with = BuildResponse(QueryFor("a.example", rrtype::kA, true), response, 1232);
  const auto without = BuildResponse(QueryFor("a.example", rrtype::kA, false), response, 1232);
  CHECK(with.bytes.find("not allowed") != std::string::npos);
  CHECK(without.bytes.find("not allowed") == std::string::npos);
  Reread(with);
  Reread(without);
}

TEST_CASE("What does not fit is sent without its sections and with TC") {
  AnswerSet many;
  for (int i = 0; i < 200; ++i)
    many.push_back(AddressRecord("a.example", 60, static_cast<uint8_t>(i)));
  Response response;
  response.answer = Set(many);
  const QueryMessage query = QueryFor("a.example", rrtype::kA);
  const BuiltResponse cut = BuildResponse(query, response, 1232);
  CHECK(cut.truncated);
  CHECK(cut.bytes.size() < 100);
  CHECK(Reread(cut).truncated);
  const BuiltResponse whole = BuildResponse(query, response, 65'535);
  CHECK_FALSE(whole.truncated);
  CHECK(Reread(whole).answers.size() == 200);
}

TEST_CASE("A client gets what it can take: 512 octets without EDNS, at most 1232 with") {
  QueryMessage query = QueryFor("a.example", rrtype::kA, false);
  CHECK(ResponseLimit(query, Transport::kUdp) == 512);
  CHECK(ResponseLimit(query, Transport::kTcp) == 65'535);
  query.edns = Edns{100, 0};
  CHECK(ResponseLimit(query, Transport::kUdp) == 512);
  query.edns = Edns{4096, 0};
  CHECK(ResponseLimit(query, Transport::kUdp) == 1232);
}

TEST_CASE("The longest name with the longest explanation still fits where EDNS is spoken") {
  const std::string label = std::string(63, 'x') + ".";
  const std::string longest = label + label + label + std::string(61, 'x');
  Response response;
  response.rcode = rcode::kNxDomain;
  response.negative_ttl_s = 5;
  response.ede = ede::kBlocked;
  response.ede_text = std::string(5000, 'y');
  const auto built = BuildResponse(QueryFor(longest.c_str(), rrtype::kA), response, 1232);
  CHECK_FALSE(built.truncated);
  Reread(built);
}

TEST_CASE("A denial keeps to every limit, however long its name and its explanation") {
  for (size_t last = 1; last <= 61; ++last) {
    const std::string label = std::string(63, 'x') + ".";
    for (const std::string& front : {std::string(), label, label + label + label}) {
      Response response;
      response.rcode = rcode::kNxDomain;
      response.negative_ttl_s = 5;
      response.ede = ede::kBlocked;
      response.ede_text = std::string(5000, 'y');
      const QueryMessage query = QueryFor((front + std::string(last, 'x')).c_str(), rrtype::kA);
      for (const size_t limit : {512U, 600U, 700U, 1232U}) {
        const auto built = BuildResponse(query, response, limit);
        CHECK(built.bytes.size() <= limit);
        CHECK_FALSE(built.truncated);  // the explanation is cut, the denial is whole
        CHECK(Reread(built).authorities.size() == 1);
      }
    }
  }
}

TEST_CASE("What an answer needs at least is never more than what it takes") {
  const QueryMessage query = QueryFor("www.example.org", rrtype::kA);
  Response response;
  response.answer = Set(
      {{Name("www.example.org"), rrtype::kCname, 300, std::string(Name("cdn.example.net").wire())},
       AddressRecord("cdn.example.net", 60, 1),
       AddressRecord("cdn.example.net", 60, 2)});
  const size_t least = LeastResponseSize(query, *response.answer);
  const size_t built = BuildResponse(query, response, 1232).bytes.size();
  CHECK(least <= built);
  CHECK(least + 40 > built);  // the target's octets and OPT are all that it leaves out
}

TEST_CASE("A query for an upstream reads back, its letters in a case of their own") {
  const std::string question = RandomCaseQuestion(Name("www.example-domain.org"), rrtype::kAaaa);
  const auto parsed = ParseQuery(AsOctets(BuildQuery(77, question)));
  REQUIRE(parsed.fault == QueryFault::kNone);
  CHECK(parsed.message.id == 77);
  CHECK(parsed.message.qname == Name("www.example-domain.org"));
  CHECK(parsed.message.qtype == rrtype::kAaaa);
  CHECK(parsed.message.edns->udp_payload == kUdpPayload);
  // 20 letters: that eight draws agree has a chance of 2^-140.
  bool differs = false;
  for (int i = 0; i < 8; ++i) {
    differs |= RandomCaseQuestion(Name("www.example-domain.org"), rrtype::kAaaa) != question;
  }
  CHECK(differs);
}

TEST_CASE("A malformed query is answered with its ID and no question") {
  QueryMessage query;
  query.id = 0xabcd;
  Response response;
  response.rcode = rcode::kFormErr;
  const auto built = BuildResponse(query, response, 512);
  CHECK(built.bytes.size() == kHeaderSize);
  CHECK(built.bytes.substr(0, 2) == "\xab\xcd");
}

}  // namespace
}  // namespace namegate::resolver
