// The tests' own authority, before anything is concluded from what it answers.

#include "tests/support/authority.h"

#include <catch2/catch.hpp>

#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;

constexpr char kRecords[] = R"(
  a.example.org. 60 IN A 192.0.2.7
  www.example.org. 30 IN CNAME a.example.org.
  big.example.org. 60 IN TXT "0123456789012345678901234567890123456789012345678901234567890123456789"
)";

std::string BigRecords() {
  std::string records;
  for (int i = 0; i < 100; ++i) {
    records += "big.example.org. 60 IN A 192.0.2." + std::to_string(i) + "\n";
  }
  return records;
}

TEST_CASE("The authority answers from its records over both transports and follows CNAMEs") {
  const Authority authority(kRecords);
  const Reply reply = Ask(authority.endpoint(), "www.example.org");
  CHECK(reply.rcode == "NOERROR");
  CHECK(reply.answers ==
        Texts{"www.example.org. 30 IN CNAME a.example.org.", "a.example.org. 60 IN A 192.0.2.7"});
  CHECK(AskTcp(authority.endpoint(), "a.example.org").data() == Texts{"192.0.2.7"});
  CHECK(authority.Count("a.example.org") == 1);
  CHECK(authority.seen().at(1).tcp);
}

TEST_CASE("The authority tells a missing name from a missing type") {
  const Authority authority(kRecords);
  CHECK(Ask(authority.endpoint(), "b.example.org").rcode == "NXDOMAIN");
  const Reply nodata = Ask(authority.endpoint(), "a.example.org", "AAAA");
  CHECK(nodata.rcode == "NOERROR");
  CHECK(nodata.answers.empty());
  CHECK(nodata.authority.size() == 1);
  CHECK(Ask(authority.endpoint(), "example.org").rcode == "NOERROR");  // names below it exist
}

TEST_CASE("The authority truncates what the client cannot take over UDP, and only there") {
  const Authority authority(BigRecords());
  CHECK(Ask(authority.endpoint(), "big.example.org").truncated);
  CHECK(AskTcp(authority.endpoint(), "big.example.org").answers.size() == 100);
}

TEST_CASE("The authority lies as told") {
  Authority authority(kRecords);
  const auto ask = [&](Behaviour behaviour) {
    authority.On("a.example.org", std::move(behaviour));
    return Ask(authority.endpoint(), "A.example.org", "A", {.id = 7});
  };
  CHECK(ask(WrongId()).id == 8);
  CHECK(ask(WrongQuestion()).question == "other.example.org. IN A");
  CHECK(ask(WrongCase()).question == "a.example.org. IN A");
  CHECK(ask(Truncate()).truncated);
  CHECK(ask(Rcode(LDNS_RCODE_SERVFAIL)).rcode == "SERVFAIL");
  CHECK(ask(AnswerWith("x.example.org. 5 IN A 192.0.2.9")).answers ==
        Texts{"x.example.org. 5 IN A 192.0.2.9"});
  CHECK(ask(First(WrongId())).id == 8);
}

TEST_CASE("The authority keeps silent, holds its answer, and gives it when told") {
  Authority authority(kRecords);
  const UdpClient client(authority.endpoint());
  authority.On("www.example.org", Silence());
  client.Send(MakeQuery("www.example.org", "A"));
  CHECK_FALSE(client.Receive(kSilence));
  authority.Hold("a.example.org");
  client.Send(MakeQuery("a.example.org", "A"));
  REQUIRE(authority.WaitForCount("a.example.org", 1));
  CHECK_FALSE(client.Receive(kSilence));
  authority.Release("a.example.org");
  CHECK(client.Receive());
}

TEST_CASE("The authority answers queries that arrive in one piece over TCP") {
  const Authority authority(kRecords);
  TcpClient client(authority.endpoint());
  REQUIRE(client.connected());
  client.Send(MakeQuery("a.example.org", "A", {.id = 1}));
  client.Send(MakeQuery("a.example.org", "A", {.id = 2}));
  CHECK(client.Receive().value().id == 1);
  CHECK(client.Receive().value().id == 2);
}

}  // namespace
}  // namespace namegate::testing
