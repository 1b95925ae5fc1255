#include "common/policy_file.h"

#include <catch2/catch.hpp>

#include "common/config.h"
#include "tests/support/temp_dir.h"

namespace namegate {
namespace {

using namespace std::chrono_literals;
using Catch::Contains;

constexpr auto kToday = 2026y / 11 / 23;

Result<PolicyFile> Parse(const std::string& text) {
  return ParsePolicyFile(text, "p.toml", kToday);
}

std::string Refusal(const std::string& text) {
  const auto file = Parse(text);
  return file ? "accepted" : file.error().message;
}

std::string ConfigRefusal(const std::string& text) {
  const testing::TempDir dir;
  const auto config = Config::Load(dir.Write("c.toml", text), dir.path());
  return config ? "accepted" : config.error().message;
}

TEST_CASE("A policy file gives its rules with their options") {
  const auto file = Parse(R"(version = 1
allow = [
  "pypi.org:443",
  { to = "db.corp.example:5432", private = true, reason = "integration tests", expires = 2027-01-01 },
])");
  REQUIRE(file);
  REQUIRE(file->rules.size() == 2);
  CHECK(file->rules[0].text == "pypi.org:443");
  CHECK_FALSE(file->rules[0].allow_private);
  CHECK(file->rules[1].allow_private);
  CHECK(file->rules[1].reason == "integration tests");
  CHECK(file->expired.empty());
}

TEST_CASE("A rule holds through the day it expires and is left out, and named, after it") {
  const auto file = Parse(R"(version = 1
allow = [ { to = "a.example.org:443", expires = 2026-11-23 }, { to = "b.example.org:443", expires = 2026-11-22 } ])");
  REQUIRE(file);
  REQUIRE(file->rules.size() == 1);
  CHECK(file->rules[0].text == "a.example.org:443");
  CHECK(file->expired == std::vector<std::string>{"b.example.org:443"});
}

TEST_CASE("A mistake in a policy file is refused with line, column and the fix") {
  CHECK_THAT(Refusal(""), Contains("p.toml:1:1: the file is empty"));
  CHECK_THAT(Refusal("# only a comment\n"), Contains("the file is empty"));
  CHECK_THAT(Refusal("version = 1\nalow = []"),
             Contains("p.toml:2:1: unknown key 'alow'; did you mean 'allow'?"));
  CHECK_THAT(Refusal("version = 1\nfrobnicate = 3"), Contains("known here: version, allow"));
  CHECK_THAT(Refusal("allow = []"), Contains("version = 1"));
  CHECK_THAT(Refusal("version = 2"), Contains("p.toml:1:11: version must be"));
  CHECK_THAT(Refusal("version = 1\nallow = \"pypi.org:443\""), Contains("list of rules"));
  CHECK_THAT(Refusal("version = 1\nallow = [\n  \"pypi.org\",\n]"),
             Contains("p.toml:3:3: rule 'pypi.org': the port is missing"));
  CHECK_THAT(Refusal("version = 1\nallow = [ 443 ]"), Contains("a rule is a string or a table"));
  CHECK_THAT(Refusal("version = 1\nallow = [ { private = true } ]"), Contains("to is missing"));
  CHECK_THAT(Refusal("version = 1\nallow = [ { to = \"a.example:1\", privat = true } ]"),
             Contains("did you mean 'private'"));
  CHECK_THAT(Refusal("version = 1\nallow = [ { to = \"a.example:1\", private = 1 } ]"),
             Contains("true or false"));
  CHECK_THAT(Refusal("version = 1\nallow = [ { to = \"a.example:1\", expires = \"soon\" } ]"),
             Contains("must be a date"));
  CHECK_THAT(Refusal("version = 1\nallow = [ \"pypi.org:443\""), Contains("p.toml:2:"));
}

TEST_CASE("A missing policy file is an error that names it") {
  CHECK_THAT(ReadPolicyFile("/nonexistent/p.toml", kToday).error().message,
             Contains("/nonexistent/p.toml"));
}

TEST_CASE("A configuration sets what it names and leaves the rest at its default") {
  const testing::TempDir dir;
  const auto path = dir.Write("c.toml", R"(version = 1
upstream = ["192.0.2.53", "[2001:db8::53]:5353"]
durability = "power"
lease_floor_s = 5)");
  const auto config = Config::Load(path, dir.path());
  REQUIRE(config);
  REQUIRE(config->upstreams.size() == 2);
  CHECK(config->upstreams[0].ToText() == "192.0.2.53:53");
  CHECK(config->upstreams[1].ToText() == "[2001:db8::53]:5353");
  CHECK(config->power_durability);
  CHECK(config->lease_floor == 5s);
  CHECK(config->lease_grace == 30s);
  CHECK(config->state_dir == dir.path());
}

TEST_CASE("A mistake in the configuration is refused with line, column and the fix") {
  CHECK_THAT(ConfigRefusal(""), Contains("empty"));
  CHECK_THAT(ConfigRefusal("version = 1\nupstreams = []"),
             Contains(":2:1: unknown key 'upstreams'; did you mean 'upstream'?"));
  CHECK_THAT(ConfigRefusal("version = 1\nupstream = [\"dns.example\"]"),
             Contains("list of resolvers"));
  CHECK_THAT(ConfigRefusal("version = 1\ndurability = \"full\""),
             Contains("\"process\", \"power\""));
  CHECK_THAT(ConfigRefusal("version = 1\nlease_floor_s = -1"), Contains("from 0 to 86400"));
  CHECK_THAT(ConfigRefusal("version = 1\nstate_dir = \"relative\""), Contains("absolute"));
}

TEST_CASE("The operator's lists and limits are read") {
  const testing::TempDir dir;
  const auto path = dir.Write("c.toml", R"(version = 1
deny = ["ads.example.com", "**.telemetry.example.net"]
private_ranges = ["203.0.113.0/24"]
session_queries_per_s = 0
wildcard_names = 5)");
  const auto config = Config::Load(path, dir.path());
  REQUIRE(config);
  CHECK(config->deny.size() == 2);
  CHECK(config->private_ranges.size() == 1);
  CHECK(config->session_queries_per_s == 0);
  CHECK(config->wildcard_names == 5);
  CHECK_THAT(ConfigRefusal("version = 1\ndeny = [\"a..b\"]"), Contains("list of names"));
  CHECK_THAT(ConfigRefusal("version = 1\nprivate_ranges = [\"203.0.113.7/24\"]"),
             Contains(":2:19: '203.0.113.7/24'"));
  CHECK_THAT(ConfigRefusal("version = 1\nwildcard_names = 0"), Contains("from 1 to"));
}

TEST_CASE("How long and how large the ledger may be is read, by default without bound") {
  const testing::TempDir dir;
  const auto nothing = Config::Load(dir.Write("n.toml", "version = 1"), dir.path());
  REQUIRE(nothing);
  CHECK_FALSE(nothing->retention.wanted());
  const auto path = dir.Write("c.toml", "version = 1\nkeep = \"90d\"\nmax_size = \"10GiB\"");
  const auto config = Config::Load(path, dir.path());
  REQUIRE(config);
  CHECK(config->retention.keep == 90 * 24h);
  CHECK(config->retention.max_bytes == int64_t{10} << 30);
  CHECK(AgeFromText("2w") == 14 * 24h);
  CHECK(SizeFromText("500MB") == 500'000'000);
  for (const char* wrong : {"", "90", "d", "0d", "-1d", "1.5h", "90 d", "90D", "9999999999999d"}) {
    INFO(wrong);
    CHECK_FALSE(AgeFromText(wrong));
    CHECK_THAT(ConfigRefusal("version = 1\nkeep = \"" + std::string(wrong) + "\""),
               Contains(":2:8: keep must be") && Contains("\"90d\""));
  }
  for (const char* wrong : {"", "10", "0GiB", "10G", "10 GiB", "99999999999TiB"}) {
    INFO(wrong);
    CHECK_FALSE(SizeFromText(wrong));
  }
  CHECK_THAT(ConfigRefusal("version = 1\nmax_size = 10"), Contains("max_size"));
}

TEST_CASE("Name servers are read from resolv.conf as the C library reads them") {
  const testing::TempDir dir;
  const auto path = dir.Write("resolv.conf",
                              "# comment\nnameserver 192.0.2.53\n  nameserver\nsearch example.org\n"
                              "nameserver 2001:db8::53\nnameserver nonsense\n");
  const auto servers = NameserversOf(path);
  REQUIRE(servers.size() == 2);
  CHECK(servers[0].ToText() == "192.0.2.53:53");
  CHECK(servers[1].ToText() == "[2001:db8::53]:53");
}

}  // namespace
}  // namespace namegate
