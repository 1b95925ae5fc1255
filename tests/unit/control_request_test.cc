#include "resolver/control_request.h"

#include <catch2/catch.hpp>

namespace namegate::resolver {
namespace {

using Catch::Contains;

std::string Refusal(const std::string& line) {
  const auto request = ParseControlRequest(line);
  return request ? "accepted" : request.error().message;
}

TEST_CASE("A session is opened with the rules, the label and the place that were asked for") {
  const auto request = ParseControlRequest(
      R"({"command":"session.open","allow":["a.example:443"],"allow_private":["b.example:5432"],)"
      R"("label":"ci","gate":"preload","listen":"127.0.0.9:5353","owned":true})");
  REQUIRE(request);
  CHECK(request->command == ControlRequest::Command::kOpen);
  REQUIRE(request->open.rules.size() == 2);
  CHECK_FALSE(request->open.rules[0].allow_private);
  CHECK(request->open.rules[1].allow_private);
  CHECK(request->open.label == "ci");
  CHECK(request->open.listen->ToText() == "127.0.0.9:5353");
  CHECK(request->owned);
}

TEST_CASE("A request that is not exactly one is refused with the reason") {
  CHECK_THAT(Refusal(""), Contains("one JSON object"));
  CHECK_THAT(Refusal("{"), Contains("one JSON object"));
  CHECK_THAT(Refusal("[]"), Contains("one JSON object"));
  CHECK_THAT(Refusal(R"({"command":"fly"})"), Contains("unknown command 'fly'"));
  CHECK_THAT(Refusal(R"({"command":7})"), Contains("command must be a string"));
  CHECK_THAT(Refusal(R"({"command":"status","x":1})"), Contains("unknown field 'x'"));
  CHECK_THAT(Refusal(R"({"command":"session.open","allow":"a.example:443"})"),
             Contains("list of rules"));
  CHECK_THAT(Refusal(R"({"command":"session.open","allow":[1]})"), Contains("list of rules"));
  CHECK_THAT(Refusal(R"({"command":"session.open","allow":["a.example"]})"),
             Contains("port is missing"));
  CHECK_THAT(Refusal(R"({"command":"session.open","gate":"wall"})"), Contains("gate must be"));
  CHECK_THAT(Refusal(R"({"command":"session.open","listen":"nowhere"})"),
             Contains("not an address"));
  CHECK_THAT(Refusal(R"({"command":"session.open","client":"10.0.0.1/8"})"),
             Contains("not an address or range"));
  CHECK_THAT(Refusal(R"({"command":"session.open","owned":1})"), Contains("true or false"));
  CHECK_THAT(Refusal(R"({"command":"session.close","session":"1"})"), Contains("number"));
  CHECK_THAT(Refusal(R"({"command":"session.show"})"), Contains("number"));
}

TEST_CASE("Deeply nested or odd JSON is refused like any other") {
  CHECK_THAT(Refusal(std::string(100'000, '[')), Contains("one JSON object"));
  CHECK_THAT(Refusal("{\"command\":\"\xff\xfe\"}"), Contains("one JSON object"));
}

}  // namespace
}  // namespace namegate::resolver
