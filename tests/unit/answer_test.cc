#include "resolver/answer.h"

#include <catch2/catch.hpp>
#include <set>

#include "resolver/answer_cache.h"
#include "tests/support/parsed.h"

namespace namegate::resolver {
namespace {

using namespace std::chrono_literals;

using testing::Name;

Record Cname(const char* owner, const char* target, uint32_t ttl_s = 300) {
  return {Name(owner), rrtype::kCname, ttl_s, std::string(Name(target).wire())};
}

Record Address(const char* owner, char last, uint32_t ttl_s = 300) {
  return {Name(owner), rrtype::kA, ttl_s, {'\xc0', '\x00', '\x02', last}};
}

Record Soa(uint32_t ttl_s, uint8_t minimum_s) {
  return {Name("example"), rrtype::kSoa, ttl_s,
          std::string(2, '\0') + std::string(19, '\0') + static_cast<char>(minimum_s)};
}

ResponseMessage ResponseWith(std::vector<Record> answers, std::vector<Record> authorities = {},
                             uint16_t rcode = rcode::kNoError) {
  ResponseMessage response;
  response.qname = Name("www.example");
  response.qtype = rrtype::kA;
  response.rcode = rcode;
  response.answers = std::move(answers);
  response.authorities = std::move(authorities);
  return response;
}

TEST_CASE("An answer is the chain from the question and the records at its end, in order") {
  // The order in the message is not that of the chain.
  const auto answer =
      ExtractAnswer(ResponseWith({Address("b.example", 1), Cname("a.example", "b.example"),
                                  Cname("www.example", "a.example"), Address("b.example", 2)}));
  REQUIRE(answer.outcome == Reason::kRule);
  REQUIRE(answer.records->size() == 4);
  CHECK((*answer.records)[0].owner == Name("www.example"));
  CHECK((*answer.records)[1].owner == Name("a.example"));
  CHECK((*answer.records)[3].rdata.back() == 2);
  CHECK_FALSE(answer.negative);
}

TEST_CASE("Records that the chain does not lead to are left out") {
  const auto answer =
      ExtractAnswer(ResponseWith({Address("www.example", 1), Address("bank.example", 2),
                                  Cname("other.example", "www.example")}));
  REQUIRE(answer.records->size() == 1);
  CHECK((*answer.records)[0].owner == Name("www.example"));
}

TEST_CASE("A record that comes twice is given once") {
  CHECK(ExtractAnswer(ResponseWith({Address("www.example", 1), Address("www.example", 1)}))
            .records->size() == 1);
}

TEST_CASE("A circle of CNAMEs, and a chain of more than ten, is no answer") {
  CHECK(ExtractAnswer(ResponseWith({Cname("www.example", "www.example")})).outcome ==
        Reason::kUpstreamInvalid);
  CHECK(ExtractAnswer(
            ResponseWith({Cname("www.example", "a.example"), Cname("a.example", "www.example")}))
            .outcome == Reason::kUpstreamInvalid);
  const auto chain = [](int hops) {
    std::vector<Record> records;
    std::string owner = "www.example";
    for (int i = 0; i < hops; ++i) {
      const std::string target = "n" + std::to_string(i) + ".example";
      records.push_back(Cname(owner.c_str(), target.c_str()));
      owner = target;
    }
    records.push_back(Address(owner.c_str(), 1));
    return ExtractAnswer(ResponseWith(records)).outcome;
  };
  CHECK(chain(10) == Reason::kRule);
  CHECK(chain(11) == Reason::kUpstreamInvalid);
}

TEST_CASE("Two different CNAMEs at one owner are no answer") {
  CHECK(ExtractAnswer(ResponseWith({Cname("www.example", "a.example"),
                                    Cname("www.example", "b.example"), Address("a.example", 1)}))
            .outcome == Reason::kUpstreamInvalid);
}

Record Dname(const char* owner, const char* target) {
  return {Name(owner), rrtype::kDname, 300, std::string(Name(target).wire())};
}

TEST_CASE("Who asks for a CNAME gets the one that there is, or no answer") {
  const auto asked = [](AnswerSet records) {
    ResponseMessage response = ResponseWith(std::move(records));
    response.qtype = rrtype::kCname;
    return ExtractAnswer(response);
  };
  const auto one = asked({Cname("www.example", "a.example"), Address("a.example", 1)});
  REQUIRE(one.records);
  CHECK(one.records->size() == 1);
  CHECK(asked({Cname("www.example", "a.example"), Cname("www.example", "b.example")}).outcome ==
        Reason::kUpstreamInvalid);
}

TEST_CASE("A CNAME must be what a DNAME above it makes of the owner") {
  const auto outcome = [](const char* target, const char* dname_owner = "example") {
    return ExtractAnswer(ResponseWith({Dname(dname_owner, "other.test"),
                                       Cname("www.example", target), Address(target, 1)}))
        .outcome;
  };
  CHECK(outcome("www.other.test") == Reason::kRule);
  CHECK(outcome("bank.other.test") == Reason::kUpstreamInvalid);
  CHECK(outcome("www.evil.test") == Reason::kUpstreamInvalid);
  CHECK(outcome("anything.test", "unrelated") == Reason::kRule);
}

TEST_CASE("TTLs are rounded, so that their digits say little, and never upwards") {
  const auto ttl = [](uint32_t ttl_s) {
    return ExtractAnswer(ResponseWith({Address("www.example", 1, ttl_s)})).ttl_s;
  };
  const std::pair<uint32_t, uint32_t> rounded[] = {
      {0, 0},   {1, 1},   {4, 1},   {5, 5},    {9, 5},       {10, 10},        {19, 10},
      {59, 50}, {60, 60}, {61, 60}, {119, 60}, {3599, 3540}, {86'399, 86'340}};
  for (const auto& [given, kept] : rounded) CHECK(ttl(given) == kept);
  std::set<uint32_t> different;
  for (uint32_t given = 0; given <= 90'000; ++given) {
    CHECK(ttl(given) <= given);
    different.insert(ttl(given));
  }
  CHECK(different.size() < 1'500);
}

TEST_CASE("An answer lives as long as its shortest record, a day at most") {
  CHECK(ExtractAnswer(
            ResponseWith({Cname("www.example", "a.example", 20), Address("a.example", 1, 300)}))
            .ttl_s == 20);
  const auto answer = ExtractAnswer(ResponseWith({Address("www.example", 1, 1'000'000)}));
  CHECK(answer.ttl_s == 86'400);
  CHECK((*answer.records)[0].ttl_s == 86'400);
}

TEST_CASE("A denial lives as long as its SOA says, fifteen minutes at most") {
  const auto nodata = ExtractAnswer(ResponseWith({}, {Soa(3600, 30)}));
  CHECK(nodata.negative);
  CHECK(nodata.ttl_s == 30);
  CHECK(ExtractAnswer(ResponseWith({}, {Soa(10, 30)}, rcode::kNxDomain)).ttl_s == 10);
  CHECK(ExtractAnswer(ResponseWith({}, {Soa(3600, 37)})).ttl_s == 30);  // rounded like others
  CHECK(ExtractAnswer(ResponseWith({}, {}, rcode::kNxDomain)).ttl_s == 5);
  auto long_soa = Soa(3600, 0);
  long_soa.rdata[18] = '\x7f';
  CHECK(ExtractAnswer(ResponseWith({}, {long_soa})).ttl_s == 900);
}

TEST_CASE("A chain that ends in nothing keeps its CNAMEs and is negative") {
  const auto answer = ExtractAnswer(
      ResponseWith({Cname("www.example", "gone.example")}, {Soa(60, 60)}, rcode::kNxDomain));
  CHECK(answer.rcode == rcode::kNxDomain);
  CHECK(answer.negative);
  CHECK(answer.records->size() == 1);
}

using Clock = AnswerCache::Clock;

std::shared_ptr<const Answer> AnswerOf(uint32_t ttl_s) {
  return std::make_shared<const Answer>(
      ExtractAnswer(ResponseWith({Address("www.example", 1, ttl_s)})));
}

TEST_CASE("A cached answer is found until its TTL ends, with its age") {
  AnswerCache cache(10);
  const Question question{Name("www.example"), rrtype::kA};
  const Clock::time_point start{1h};
  cache.Store(question, AnswerOf(60), start);
  CHECK(cache.Find(question, start).age_s == 0);
  CHECK(cache.Find(question, start + 59'999ms).age_s == 59);
  CHECK(cache.Find({Name("www.example"), rrtype::kAaaa}, start).answer == nullptr);
  CHECK(cache.Find(question, start + 60s).answer == nullptr);
  CHECK(cache.size() == 0);
}

TEST_CASE("An answer with a TTL of zero is not kept") {
  AnswerCache cache(10);
  cache.Store({Name("www.example"), rrtype::kA}, AnswerOf(0), Clock::time_point{1h});
  CHECK(cache.size() == 0);
}

TEST_CASE("A full cache gives up what was not used for longest") {
  AnswerCache cache(2);
  const Clock::time_point now{1h};
  const Question a{Name("a.example"), 1};
  const Question b{Name("b.example"), 1};
  const Question c{Name("c.example"), 1};
  cache.Store(a, AnswerOf(60), now);
  cache.Store(b, AnswerOf(60), now);
  CHECK(cache.Find(a, now).answer != nullptr);
  cache.Store(c, AnswerOf(60), now);
  CHECK(cache.size() == 2);
  CHECK(cache.Find(a, now).answer != nullptr);
  CHECK(cache.Find(b, now).answer == nullptr);
}

TEST_CASE("A newer answer takes the place of the older, and a cache of no entries keeps none") {
  const Clock::time_point now{1h};
  const Question question{Name("a.example"), 1};
  AnswerCache cache(2);
  cache.Store(question, AnswerOf(10), now);
  cache.Store(question, AnswerOf(60), now + 9s);
  CHECK(cache.Find(question, now + 30s).age_s == 21);
  AnswerCache none(0);
  none.Store(question, AnswerOf(60), now);
  CHECK(none.Find(question, now).answer == nullptr);
}

}  // namespace
}  // namespace namegate::resolver
