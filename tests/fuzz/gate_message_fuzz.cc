// What a gated program sends to its session's socket: any program may write to it itself.

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/gate_protocol.h"
#include "resolver/gate_judge.h"
#include "tests/fuzz/promise.h"

namespace namegate::testing {
namespace {

constexpr uint16_t kPort = 443;

Endpoint RuledEndpoint() { return {IpAddress::V4(192, 0, 2, 7), kPort}; }
Endpoint LeasedEndpoint() { return {IpAddress::V4(192, 0, 2, 9), kPort}; }
Endpoint NameserverEndpoint() { return {IpAddress::V4(127, 64, 0, 1), 53}; }

// One rule by address, and one for a name.
std::vector<Rule> Rules() {
  return {Rule::FromText("192.0.2.7:443").value(), Rule::FromText("a.example.org:443").value()};
}

// The name gets a lease.
void Prepare(resolver::Session& session) {
  session.nameserver = NameserverEndpoint();
  resolver::Lease lease;
  lease.name = DomainName::FromText("a.example.org").value();
  lease.query_id = 1;
  lease.rules = session.policy.RulesForName(lease.name);
  const auto now = resolver::LeaseTable::Clock::now();
  lease.expires = now + std::chrono::hours(1);
  session.leases.Grant(LeasedEndpoint().address, lease, now);
}

void CheckVerdict(const resolver::GateVerdict& verdict, const GateRequest& request, size_t size) {
  if (verdict.verdict != Verdict::kAllow) {
    Promise(!verdict.message.empty() && IsPrintable(verdict.message), "a denial says why");
    return;
  }
  Promise(size == sizeof(GateRequest), "only a whole message is allowed anything");
  Promise(request.magic == kGateMagic && request.version == kGateVersion,
          "only this version of the protocol is allowed anything");
  Promise(request.reserved == 0, "nothing is allowed of which a later version may say otherwise");
  const Endpoint to = verdict.destination.value();
  const bool nameserver = to == NameserverEndpoint();
  const bool tcp = verdict.protocol == static_cast<uint8_t>(Protocol::kTcp);
  Promise(nameserver || tcp, "both rules are for TCP");
  Promise(nameserver || to == RuledEndpoint() || to == LeasedEndpoint(),
          "nothing but what is ruled or leased is allowed");
}

void TryInput(const uint8_t* data, size_t size) {
  GateRequest request{};
  std::memcpy(&request, data, std::min(size, sizeof request));
  resolver::Session session(Rules());
  Prepare(session);
  const auto verdict = resolver::JudgeGateRequest(session, request, size, resolver::LeaseTerms{});
  CheckVerdict(verdict, request, size);
}

}  // namespace
}  // namespace namegate::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namegate::testing::TryInput(data, size);
  return 0;
}
