#include "common/rule.h"

#include <catch2/catch.hpp>

#include "tests/support/parsed.h"

namespace namegate {
namespace {

using testing::Name;

Rule Parsed(std::string_view text) { return Rule::FromText(text).value(); }

std::string RuleRefusal(std::string_view text) {
  const auto rule = Rule::FromText(text);
  return rule ? "accepted as " + rule->text : rule.error().message;
}

using Catch::Contains;

TEST_CASE("Rules are shown in one canonical form") {
  CHECK(Parsed("PyPI.org.:443").text == "pypi.org:443");
  CHECK(Parsed("pypi.org:443/tcp").text == "pypi.org:443");
  CHECK(Parsed("ntp.example.org:123/udp").text == "ntp.example.org:123/udp");
  CHECK(Parsed("*.example.org:80,443,8000-8010").text == "*.example.org:80,443,8000-8010");
  CHECK(Parsed("192.0.2.0/24:443").text == "192.0.2.0/24:443");
  CHECK(Parsed("[2001:DB8::7]:443").text == "[2001:db8::7]:443");
  CHECK(Parsed("[2001:db8::]/32:443").text == "[2001:db8::]/32:443");
  CHECK(Parsed("[2001:db8::/32]:443").text == "[2001:db8::]/32:443");
  CHECK(Parsed("[::ffff:192.0.2.7]:443").text == "192.0.2.7:443");
}

TEST_CASE("A canonical rule reads back as itself") {
  for (const char* text :
       {"pypi.org:443", "**.example.org:1-65535/udp", "[2001:db8::]/32:53/udp"}) {
    CHECK(Parsed(Parsed(text).text) == Parsed(text));
  }
}

TEST_CASE("A name rule matches that name and nothing else") {
  CHECK(Parsed("example.org:443").MatchesName(Name("example.org")));
  CHECK_FALSE(Parsed("example.org:443").MatchesName(Name("a.example.org")));
}

TEST_CASE("One star is exactly one label more, two are one or more, the apex is neither") {
  const Rule one = Parsed("*.example.org:443");
  CHECK(one.MatchesName(Name("a.example.org")));
  CHECK_FALSE(one.MatchesName(Name("a.b.example.org")));
  CHECK_FALSE(one.MatchesName(Name("example.org")));
  const Rule any = Parsed("**.example.org:443");
  CHECK(any.MatchesName(Name("a.example.org")));
  CHECK(any.MatchesName(Name("a.b.example.org")));
  CHECK_FALSE(any.MatchesName(Name("example.org")));
  CHECK_FALSE(any.MatchesName(Name("badexample.org")));
}

TEST_CASE("Ports are covered as listed, both ends of a range included") {
  const Rule rule = Parsed("example.org:80,8000-8010");
  CHECK(rule.CoversPort(80));
  CHECK(rule.CoversPort(8000));
  CHECK(rule.CoversPort(8010));
  CHECK_FALSE(rule.CoversPort(8011));
  CHECK_FALSE(rule.CoversPort(443));
}

TEST_CASE("A rule that cannot be right is refused with the fix") {
  CHECK_THAT(RuleRefusal(""), Contains("HOST:PORT"));
  CHECK_THAT(RuleRefusal("pypi.org"), Contains("write pypi.org:443"));
  CHECK_THAT(RuleRefusal("https://pypi.org/"), Contains("instead of a URL"));
  CHECK_THAT(RuleRefusal("pypi.org:"), Contains("is not a port"));
  CHECK_THAT(RuleRefusal("pypi.org:0"), Contains("is not a port"));
  CHECK_THAT(RuleRefusal("pypi.org:65536"), Contains("is not a port"));
  CHECK_THAT(RuleRefusal("pypi.org:443,"), Contains("is not a port"));
  CHECK_THAT(RuleRefusal("pypi.org:9-8"), Contains("is not a port"));
  CHECK_THAT(RuleRefusal("pypi.org:https"), Contains("is not a port"));
  CHECK_THAT(RuleRefusal("pypi.org:443/sctp"), Contains("/tcp or /udp"));
  CHECK_THAT(RuleRefusal("2001:db8::7:443"), Contains("brackets"));
  CHECK_THAT(RuleRefusal("[2001:db8::7:443"), Contains("not closed"));
  CHECK_THAT(RuleRefusal("[2001:db8::7]"), Contains("port is missing"));
  CHECK_THAT(RuleRefusal("192.0.2.1/24:443"), Contains("not an address or range"));
  CHECK_THAT(RuleRefusal("1.2.3:443"), Contains("not an address or range"));
  CHECK_THAT(RuleRefusal("a*.example.org:443"), Contains("whole labels"));
  CHECK_THAT(RuleRefusal("*.*.example.org:443"), Contains("whole labels"));
  CHECK_THAT(RuleRefusal("ex ample.org:443"), Contains("letters, digits"));
  CHECK_THAT(RuleRefusal("\\0492:443"), Contains("reads like an address"));
  CHECK_THAT(RuleRefusal(".:443"), Contains("not an address or range"));
}

TEST_CASE("A wildcard on a public suffix is refused") {
  CHECK_THAT(RuleRefusal("*.com:443"), Contains("anyone can register"));
  CHECK_THAT(RuleRefusal("**.co.uk:443"), Contains("anyone can register"));
  CHECK_THAT(RuleRefusal("*.github.io:443"), Contains("anyone can register"));
  CHECK(Parsed("*.example.com:443").text == "*.example.com:443");
}

TEST_CASE("A rule may open record types instead of ports") {
  CHECK(Parsed("Example.org/mx,TXT").text == "example.org/MX,TXT");
  CHECK(Parsed("*.example.org/TYPE65280").text == "*.example.org/TYPE65280");
  const Rule rule = Parsed("example.org/MX,TXT");
  CHECK(rule.CoversType(15));
  CHECK(rule.CoversType(16));
  CHECK_FALSE(rule.CoversType(33));
  CHECK_FALSE(rule.CoversPort(443));
  CHECK(Parsed(rule.text) == rule);
}

TEST_CASE("Types that no rule can open are refused with the reason") {
  CHECK_THAT(RuleRefusal("example.org/A"), Contains("addresses come with a port"));
  CHECK_THAT(RuleRefusal("example.org/HTTPS"), Contains("past the policy"));
  CHECK_THAT(RuleRefusal("example.org/ANY"), Contains("not a type of records"));
  CHECK_THAT(RuleRefusal("example.org/TYPE255"), Contains("not a type of records"));
  CHECK_THAT(RuleRefusal("example.org/TYPE0"), Contains("not a type of records"));
  CHECK_THAT(RuleRefusal("example.org/SPAM"), Contains("is not a record type"));
  CHECK_THAT(RuleRefusal("example.org/"), Contains("is not a record type"));
  CHECK_THAT(RuleRefusal("example.org/TXT,"), Contains("is not a record type"));
  CHECK_THAT(RuleRefusal("*.com/TXT"), Contains("anyone can register"));
  CHECK_THAT(RuleRefusal("192.0.2.0/24"), Contains("port is missing"));
}

TEST_CASE("A host of a deny list has no ports and may be a public suffix's wildcard") {
  CHECK(Rule::FromHost("**.zip")->MatchesName(Name("a.b.zip")));
  CHECK(Rule::FromHost("ads.example.com")->MatchesName(Name("ads.example.com")));
  CHECK_FALSE(Rule::FromHost("ads.example.com:443"));
  CHECK_FALSE(Rule::FromHost(""));
}

TEST_CASE("A rule has at most 32 port ranges") {
  std::string ports = "1";
  for (int port = 2; port <= 32; ++port) ports += "," + std::to_string(port);
  CHECK(Rule::FromText("example.org:" + ports));
  CHECK_FALSE(Rule::FromText("example.org:" + ports + ",33"));
}

}  // namespace
}  // namespace namegate
