#include "common/reason.h"

#include <algorithm>
#include <array>

namespace namegate {
namespace {

struct Entry {
  Reason reason;
  std::string_view code;
};

constexpr auto kReasons = std::to_array<Entry>({
    {Reason::kRule, "rule"},
    {Reason::kLease, "lease"},
    {Reason::kNameserver, "nameserver"},
    {Reason::kSpecialName, "special-name"},
    {Reason::kTypeWithheld, "type-withheld"},
    {Reason::kNoIpv6Route, "no-ipv6-route"},
    {Reason::kTruncated, "truncated"},
    {Reason::kUpstreamTimeout, "upstream-timeout"},
    {Reason::kUpstreamUnreachable, "upstream-unreachable"},
    {Reason::kUpstreamRefused, "upstream-refused"},
    {Reason::kUpstreamInvalid, "upstream-invalid"},
    {Reason::kUpstreamLoop, "upstream-loop"},
    {Reason::kNotAllowed, "not-allowed"},
    {Reason::kAncestor, "ancestor"},
    {Reason::kTypeNotAllowed, "type-not-allowed"},
    {Reason::kRebinding, "rebinding"},
    {Reason::kNoLease, "no-lease"},
    {Reason::kLeaseExpired, "lease-expired"},
    {Reason::kPortNotAllowed, "port-not-allowed"},
    {Reason::kProtocolNotAllowed, "protocol-not-allowed"},
    {Reason::kUdpProbe, "udp-probe"},
    {Reason::kSocketOption, "socket-option"},
    {Reason::kTunnelBudget, "tunnel-budget"},
    {Reason::kOperatorDeny, "operator-deny"},
    {Reason::kBypassedPreload, "bypassed-preload"},
    {Reason::kMalformed, "malformed"},
    {Reason::kNotImplemented, "not-implemented"},
    {Reason::kClassNotSupported, "class-not-supported"},
    {Reason::kBadEdnsVersion, "bad-edns-version"},
    {Reason::kBadGateMessage, "bad-gate-message"},
    {Reason::kUnknownSession, "unknown-session"},
    {Reason::kSessionClosed, "session-closed"},
    {Reason::kOverloaded, "overloaded"},
    {Reason::kShuttingDown, "shutting-down"},
    {Reason::kLedgerUnavailable, "ledger-unavailable"},
});

}  // namespace

const char* VerdictName(Verdict verdict) { return verdict == Verdict::kAllow ? "allow" : "deny"; }

std::string_view ReasonCode(Reason reason) {
  const auto* found = std::find_if(kReasons.begin(), kReasons.end(),
                                   [reason](const Entry& entry) { return entry.reason == reason; });
  return found == kReasons.end() ? "unknown" : found->code;
}

std::vector<Reason> AllReasons() {
  std::vector<Reason> all;
  for (const Entry& entry : kReasons) all.push_back(entry.reason);
  return all;
}

}  // namespace namegate
