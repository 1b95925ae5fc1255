#include "common/domain_name.h"

#include <catch2/catch.hpp>

#include "tests/support/parsed.h"

namespace namegate {
namespace {

using testing::Name;

std::optional<DomainName> FromOctets(std::string_view octets) {
  return DomainName::FromWire({reinterpret_cast<const uint8_t*>(octets.data()), octets.size()});
}

TEST_CASE("A name is lower-cased and loses its final dot in text") {
  CHECK(Name("WWW.Example.ORG.").ToText() == "www.example.org");
  CHECK(Name("www.example.org") == Name("WWW.EXAMPLE.ORG."));
}

TEST_CASE("The root reads and prints as a dot and is its own parent") {
  CHECK(Name(".").ToText() == ".");
  CHECK(Name(".").parent().is_root());
  CHECK(Name(".").label_count() == 0);
  CHECK(Name(".").first_label().empty());
}

TEST_CASE("Octets that are not host characters come back escaped, and read back the same") {
  const std::string octets = std::string("\x05") + "a.\n\\\xff" + '\0';
  const auto name = FromOctets(octets);
  REQUIRE(name);
  CHECK(name->ToText() == "a\\046\\010\\092\\255");
  CHECK(Name(name->ToText()) == *name);
  CHECK_FALSE(name->HasOnlyHostLabels());
}

TEST_CASE("Texts that are not names are refused with the reason") {
  CHECK(DomainName::FromText("").error().message.find("empty") != std::string::npos);
  CHECK_FALSE(DomainName::FromText("a..b"));
  CHECK_FALSE(DomainName::FromText(".a"));
  CHECK_FALSE(DomainName::FromText("a\\"));
  CHECK_FALSE(DomainName::FromText("a\\25"));
  CHECK_FALSE(DomainName::FromText("a\\256"));
  CHECK(DomainName::FromText("bücher.example").error().message.find("A-label") !=
        std::string::npos);
}

TEST_CASE("Labels may have 63 octets and names 255, not more") {
  CHECK(DomainName::FromText(std::string(63, 'a')));
  CHECK_FALSE(DomainName::FromText(std::string(64, 'a')));
  const std::string label63 = std::string(63, 'a') + ".";
  CHECK(DomainName::FromText(label63 + label63 + label63 + std::string(61, 'a')));
  CHECK_FALSE(DomainName::FromText(label63 + label63 + label63 + std::string(62, 'a')));
}

TEST_CASE("Wire names that do not fill their octets exactly are refused") {
  CHECK(
      FromOctets(std::string_view("\x01"
                                  "a\0",
                                  3)));
  CHECK_FALSE(FromOctets(""));
  CHECK_FALSE(
      FromOctets(std::string_view("\x01"
                                  "a",
                                  2)));
  CHECK_FALSE(
      FromOctets(std::string_view("\x02"
                                  "a\0",
                                  3)));
  CHECK_FALSE(
      FromOctets(std::string_view("\x01"
                                  "a\0\0",
                                  4)));
  CHECK_FALSE(FromOctets(std::string_view("\xc0\x00", 2)));
}

TEST_CASE("Below means below at a label's edge") {
  CHECK(Name("a.example.org").IsAtOrBelow(Name("example.org")));
  CHECK(Name("example.org").IsAtOrBelow(Name("example.org")));
  CHECK(Name("example.org").IsAtOrBelow(Name(".")));
  CHECK_FALSE(Name("badexample.org").IsAtOrBelow(Name("example.org")));
  CHECK_FALSE(Name("example.org").IsAtOrBelow(Name("a.example.org")));
  // A label whose octets look like the end of another name: 3org.evil within one label.
  const std::string trap = std::string("\x0c") + "a" + std::string("\x07") + "example" + "\x03" +
                           "or" + std::string("\x01") + "g" + '\0';
  const auto name = FromOctets(trap);
  REQUIRE(name);
  CHECK_FALSE(name->IsAtOrBelow(Name("example.org")));
}

TEST_CASE("Parents and labels are counted as the DNS counts them") {
  CHECK(Name("a.b.c").label_count() == 3);
  CHECK(Name("a.b.c").parent() == Name("b.c"));
  CHECK(Name("a.b.c").first_label() == "a");
}

}  // namespace
}  // namespace namegate
