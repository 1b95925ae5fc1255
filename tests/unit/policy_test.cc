#include "common/policy.h"

#include <catch2/catch.hpp>

#include "tests/support/parsed.h"

namespace namegate {
namespace {

using testing::Name;
using testing::Rules;

std::vector<std::string> Matching(const Policy& policy, std::string_view name) {
  std::vector<std::string> texts;
  for (const Rule* rule : policy.RulesForName(Name(name))) texts.push_back(rule->text);
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("A policy without rules allows nothing") {
  const Policy policy;
  CHECK(policy.RulesForName(Name("example.org")).empty());
  CHECK(policy.RuleForAddress(IpAddress::V4(192, 0, 2, 7), 443, Protocol::kTcp) == nullptr);
  CHECK_FALSE(policy.HasAllowedNameBelow(Name("org")));
}

TEST_CASE("All rules for a name are found, in the order they were given") {
  const Policy policy(Rules({"**.example.org:80", "a.example.org:22", "*.example.org:443"}));
  CHECK(Matching(policy, "a.example.org") ==
        Texts{"**.example.org:80", "a.example.org:22", "*.example.org:443"});
  CHECK(Matching(policy, "a.b.example.org") == Texts{"**.example.org:80"});
  CHECK(Matching(policy, "example.org").empty());
}

TEST_CASE("An ancestor of an allowed name is known as one, the name itself is not") {
  const Policy policy(Rules({"a.b.example.org:443", "*.wild.example:443"}));
  CHECK(policy.HasAllowedNameBelow(Name("b.example.org")));
  CHECK(policy.HasAllowedNameBelow(Name("org")));
  CHECK(policy.HasAllowedNameBelow(Name(".")));
  CHECK(policy.HasAllowedNameBelow(Name("wild.example")));
  CHECK_FALSE(policy.HasAllowedNameBelow(Name("a.b.example.org")));
  CHECK_FALSE(policy.HasAllowedNameBelow(Name("c.example.org")));
}

TEST_CASE("An address rule decides by address, port and protocol") {
  const Policy policy(Rules({"192.0.2.0/24:443", "[2001:db8::]/32:53/udp"}));
  const auto v6 = IpAddress::FromText("2001:db8::7").value();
  CHECK(policy.RuleForAddress(IpAddress::V4(192, 0, 2, 7), 443, Protocol::kTcp) != nullptr);
  CHECK(policy.RuleForAddress(IpAddress::V4(192, 0, 2, 7), 80, Protocol::kTcp) == nullptr);
  CHECK(policy.RuleForAddress(IpAddress::V4(192, 0, 2, 7), 443, Protocol::kUdp) == nullptr);
  CHECK(policy.RuleForAddress(IpAddress::V4(192, 0, 3, 7), 443, Protocol::kTcp) == nullptr);
  CHECK(policy.RuleForAddress(v6, 53, Protocol::kUdp) != nullptr);
}

TEST_CASE("A rule for localhost is a rule for the loopback addresses") {
  const Policy policy(Rules({"localhost:5432"}));
  const auto v6 = IpAddress::FromText("::1").value();
  CHECK(policy.RuleForAddress(IpAddress::V4(127, 0, 0, 1), 5432, Protocol::kTcp) != nullptr);
  CHECK(policy.RuleForAddress(v6, 5432, Protocol::kTcp) != nullptr);
  CHECK(policy.RuleForAddress(IpAddress::V4(127, 0, 0, 2), 5432, Protocol::kTcp) == nullptr);
  CHECK(policy.RuleForAddress(IpAddress::V4(127, 0, 0, 1), 80, Protocol::kTcp) == nullptr);
}

TEST_CASE("A policy's text is its rules, a line each") {
  auto rules = Rules({"a.example.org:443", "b.example.org:80"});
  rules[1].allow_private = true;
  CHECK(Policy(rules).ToText() == "a.example.org:443\nb.example.org:80 private\n");
}

}  // namespace
}  // namespace namegate
