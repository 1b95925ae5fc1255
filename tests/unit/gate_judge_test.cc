#include "resolver/gate_judge.h"

#include <catch2/catch.hpp>

#include "tests/support/parsed.h"

namespace namegate::resolver {
namespace {

using namespace std::chrono_literals;
using Catch::Contains;

using testing::Rules;

GateRequest Request(const char* address, uint16_t port, uint8_t protocol = 6,
                    GateOperation operation = GateOperation::kConnect) {
  GateRequest request{};
  request.magic = kGateMagic;
  request.version = kGateVersion;
  request.size = sizeof request;
  request.operation = static_cast<uint8_t>(operation);
  const IpAddress parsed = IpAddress::FromText(address).value();
  request.family = parsed.is_v4() ? 4 : 6;
  request.protocol = protocol;
  request.port = port;
  std::copy(parsed.octets().begin(), parsed.octets().end(), request.address);
  return request;
}

struct JudgeFixture {
  Session session{Rules({"a.example:443", "a.example:4433/udp", "192.0.2.0/24:22"})};

  JudgeFixture() {
    session.nameserver = Endpoint::FromText("127.64.0.1:53").value();
    Lease(std::chrono::steady_clock::now() + 1h);
  }
  void Lease(std::chrono::steady_clock::time_point expires) {
    const DomainName name = DomainName::FromText("a.example").value();
    session.leases.Grant(IpAddress::V4(198, 51, 100, 7),
                         {name, 42, session.policy.RulesForName(name), expires},
                         std::chrono::steady_clock::now());
  }
  GateVerdict Judge(const GateRequest& request, size_t size = sizeof(GateRequest)) {
    return JudgeGateRequest(session, request, size, LeaseTerms{});
  }
};

TEST_CASE_METHOD(JudgeFixture,
                 "A leased address is allowed on its rule's port, with name and query") {
  const GateVerdict verdict = Judge(Request("198.51.100.7", 443));
  CHECK(verdict.verdict == Verdict::kAllow);
  CHECK(verdict.reason == Reason::kLease);
  CHECK(verdict.rule == "a.example:443");
  CHECK(verdict.name->ToText() == "a.example");
  CHECK(verdict.query_id == 42);
}

TEST_CASE_METHOD(JudgeFixture, "A v4-mapped address is the IPv4 address it holds") {
  CHECK(Judge(Request("::ffff:198.51.100.7", 443)).verdict == Verdict::kAllow);
}

TEST_CASE_METHOD(JudgeFixture, "An address rule needs no answer") {
  const GateVerdict verdict = Judge(Request("192.0.2.9", 22));
  CHECK(verdict.verdict == Verdict::kAllow);
  CHECK(verdict.reason == Reason::kRule);
  CHECK(verdict.rule == "192.0.2.0/24:22");
}

TEST_CASE_METHOD(JudgeFixture, "An unknown address is denied with the rule that would allow it") {
  const GateVerdict v4 = Judge(Request("203.0.113.5", 8080));
  CHECK(v4.verdict == Verdict::kDeny);
  CHECK(v4.reason == Reason::kNoLease);
  CHECK_THAT(v4.message, Contains("denied tcp 203.0.113.5:8080"));
  CHECK_THAT(v4.message, Contains("to allow it: 203.0.113.5:8080"));
  const GateVerdict v6 = Judge(Request("2001:db8::5", 53, 17, GateOperation::kSend));
  CHECK_THAT(v6.message, Contains("to allow it: [2001:db8::5]:53/udp"));
  CHECK_FALSE(v6.quiet);
}

TEST_CASE_METHOD(JudgeFixture, "A port that no rule covers is denied by the name") {
  const GateVerdict verdict = Judge(Request("198.51.100.7", 80));
  CHECK(verdict.reason == Reason::kPortNotAllowed);
  CHECK(verdict.query_id == 42);
  CHECK_THAT(verdict.message, Contains("(a.example)") && Contains("to allow it: a.example:80"));
}

TEST_CASE_METHOD(JudgeFixture, "A lease that ended denies and says so") {
  session.leases = LeaseTable();
  Lease(std::chrono::steady_clock::now() - 1s);
  const GateVerdict verdict = Judge(Request("198.51.100.7", 443));
  CHECK(verdict.reason == Reason::kLeaseExpired);
  CHECK_THAT(verdict.message, Contains("has expired"));
}

TEST_CASE_METHOD(JudgeFixture,
                 "A UDP connect to a leased address is a probe: denied, without alarm") {
  const GateVerdict probe = Judge(Request("198.51.100.7", 443, 17));
  CHECK(probe.verdict == Verdict::kDeny);
  CHECK(probe.reason == Reason::kUdpProbe);
  CHECK(probe.quiet);
  const GateVerdict sent = Judge(Request("198.51.100.7", 443, 17, GateOperation::kSend));
  CHECK(sent.reason == Reason::kPortNotAllowed);
  CHECK_FALSE(sent.quiet);
  CHECK(Judge(Request("198.51.100.7", 4433, 17)).verdict == Verdict::kAllow);
}

TEST_CASE_METHOD(JudgeFixture, "The session's own name server is always allowed") {
  CHECK(Judge(Request("127.64.0.1", 53, 17)).reason == Reason::kNameserver);
  CHECK(Judge(Request("127.64.0.1", 53)).reason == Reason::kNameserver);
  CHECK(Judge(Request("127.64.0.1", 54)).verdict == Verdict::kDeny);
}

TEST_CASE_METHOD(JudgeFixture, "Protocols other than TCP and UDP are denied whatever the address") {
  const GateVerdict verdict = Judge(Request("192.0.2.9", 22, 132));
  CHECK(verdict.reason == Reason::kProtocolNotAllowed);
  CHECK_THAT(verdict.message, Contains("denied 132"));
}

TEST_CASE_METHOD(JudgeFixture, "What the gate refused by itself is denied and told") {
  GateRequest request = Request("198.51.100.7", 443, 6, GateOperation::kRefused);
  request.detail = static_cast<uint8_t>(GateRefusal::kSourceRoute);
  const GateVerdict verdict = Judge(request);
  CHECK(verdict.reason == Reason::kSocketOption);
  CHECK_THAT(verdict.message, Contains("routes around"));
  request.family = 0;
  CHECK_FALSE(Judge(request).destination);
}

TEST_CASE_METHOD(JudgeFixture, "Anything but a whole request of this version is denied") {
  const GateRequest good = Request("198.51.100.7", 443);
  const auto is_bad = [&](const GateRequest& request, size_t size = sizeof(GateRequest)) {
    const GateVerdict verdict = Judge(request, size);
    return verdict.verdict == Verdict::kDeny && verdict.reason == Reason::kBadGateMessage &&
           !verdict.message.empty();
  };
  CHECK(is_bad(good, sizeof good - 1));
  CHECK(is_bad(good, sizeof good + 1));
  GateRequest bad = good;
  bad.magic ^= 1;
  CHECK(is_bad(bad));
  bad = good;
  bad.version = 2;
  CHECK(is_bad(bad));
  bad = good;
  bad.size = 0;
  CHECK(is_bad(bad));
  bad = good;
  bad.family = 5;
  CHECK(is_bad(bad));
  bad = good;
  bad.operation = 99;
  CHECK(is_bad(bad));
  bad = good;
  bad.reserved = 1;
  CHECK(is_bad(bad));
}

TEST_CASE_METHOD(JudgeFixture, "What the enclave saw start is judged like what a gate asks") {
  const auto judge = [&](const char* to, Protocol protocol) {
    return JudgeRelayed(session, protocol, Endpoint::FromText(to).value(), LeaseTerms{});
  };
  const GateVerdict leased = judge("198.51.100.7:443", Protocol::kTcp);
  CHECK(leased.verdict == Verdict::kAllow);
  CHECK(leased.name->ToText() == "a.example");
  CHECK(judge("203.0.113.5:443", Protocol::kTcp).reason == Reason::kNoLease);
  // A datagram was sent: no probe.
  CHECK(judge("198.51.100.7:443", Protocol::kUdp).reason == Reason::kPortNotAllowed);
}

}  // namespace
}  // namespace namegate::resolver
