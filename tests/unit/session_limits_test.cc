#include "resolver/session_limits.h"

#include <catch2/catch.hpp>

#include "tests/support/parsed.h"

namespace namegate::resolver {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr Clock::time_point kBegin{1h};

using testing::Name;

TEST_CASE("A session may ask a second's worth at once, and then as fast as its rate") {
  Rate rate;
  for (int i = 0; i < 10; ++i) CHECK(rate.Take(10, kBegin));
  CHECK_FALSE(rate.Take(10, kBegin));
  CHECK_FALSE(rate.Take(10, kBegin + 99ms));
  CHECK(rate.Take(10, kBegin + 150ms));
  CHECK_FALSE(rate.Take(10, kBegin + 150ms));
}

TEST_CASE("A session that was quiet for long has a second's worth, not more") {
  Rate rate;
  CHECK(rate.Take(10, kBegin));
  int taken = 0;
  while (taken < 100 && rate.Take(10, kBegin + 1h)) ++taken;
  CHECK(taken == 10);
}

TEST_CASE("A rate of zero is no limit") {
  Rate rate;
  for (int i = 0; i < 1000; ++i) CHECK(rate.Take(0, kBegin));
}

TEST_CASE("What a query turned out to cost delays the next ones, by a second at most") {
  Rate rate;
  CHECK(rate.Take(10, kBegin));
  rate.Charge(10, 10);  // nine were left
  CHECK_FALSE(rate.Take(10, kBegin + 150ms));
  CHECK(rate.Take(10, kBegin + 250ms));
  rate.Charge(10, 1'000'000);
  CHECK_FALSE(rate.Take(10, kBegin + 1s));
  CHECK(rate.Take(10, kBegin + 1s + 400ms));
}

struct Budget {
  Rule rule = Rule::FromText("*.example.org:443").value();
  Rule other = Rule::FromText("*.example.net:443").value();
  SessionLimits limits{.queries_per_s = 0, .wildcard_names = 3, .wildcard_octets = 100};
  TunnelBudget budget;

  bool Spend(const std::string& label, Clock::time_point at = kBegin) {
    return budget.Spend(rule, Name(label + ".example.org"), limits, at);
  }
};

TEST_CASE_METHOD(Budget,
                 "Below a wildcard there is budget for so many names, each as often as wished") {
  CHECK(Spend("a"));
  CHECK(Spend("b"));
  CHECK(Spend("c"));
  CHECK_FALSE(Spend("d"));
  CHECK(Spend("a"));
  CHECK(budget.Spend(other, Name("d.example.net"), limits, kBegin));
}

TEST_CASE_METHOD(Budget, "Long names use the budget up by their octets") {
  CHECK(Spend(std::string(60, 'x')));
  CHECK_FALSE(Spend(std::string(60, 'y')));
  CHECK(Spend("short"));
}

TEST_CASE_METHOD(Budget, "Each question that leaves costs an octet, its name known or not") {
  CHECK(Spend("a"));  // two octets
  for (int i = 0; i < 98; ++i) {
    CHECK(budget.HasOctets(rule, limits));
    budget.SpendQuestion(rule);
  }
  CHECK_FALSE(budget.HasOctets(rule, limits));
  CHECK(Spend("a"));  // from the cache it may still be told
  CHECK(Spend("a", kBegin + 60min));
  CHECK(budget.HasOctets(rule, limits));
}

TEST_CASE_METHOD(Budget, "An hour later there is budget again") {
  CHECK(Spend("a"));
  CHECK(Spend("b"));
  CHECK(Spend("c"));
  CHECK_FALSE(Spend("d", kBegin + 59min));
  CHECK(Spend("d", kBegin + 60min));
}

}  // namespace
}  // namespace namegate::resolver
