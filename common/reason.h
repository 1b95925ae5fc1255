#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace namegate {

enum class Verdict : uint8_t { kDeny = 0, kAllow = 1 };

// "allow" or "deny".
const char* VerdictName(Verdict verdict);

// Why a verdict, or a response, is what it is. The numbers are those of the ledger's table `reason`
// and of the gate protocol: never renumber, only add (with a migration).
enum class Reason : uint16_t {
  // Allowed.
  kRule = 1,          // a rule allows it
  kLease = 2,         // the address was answered for an allowed name
  kNameserver = 3,    // the session's own name server
  kSpecialName = 4,   // a special-use name, answered here (RFC 6761)
  kTypeWithheld = 5,  // HTTPS or SVCB of an allowed name: answered NODATA
  kNoIpv6Route = 6,   // AAAA, but this host has no route for IPv6: answered NODATA
  kTruncated = 7,     // too large for UDP: the client was told to ask over TCP
  // Allowed, but the upstream failed.
  kUpstreamTimeout = 20,
  kUpstreamUnreachable = 21,
  kUpstreamRefused = 22,  // every upstream answered SERVFAIL, REFUSED or the like
  kUpstreamInvalid = 23,  // what came back cannot be an answer to the question
  kUpstreamLoop = 24,     // an upstream asks us what we asked it
  // Denied by policy.
  kNotAllowed = 40,          // no rule names it
  kAncestor = 41,            // not allowed itself, but a name below it is: answered NODATA
  kTypeNotAllowed = 42,      // the name is allowed, this record type is not
  kRebinding = 43,           // the answer held an address that no public name should have
  kNoLease = 44,             // no answer to this session holds this address
  kLeaseExpired = 45,        // it did, too long ago
  kPortNotAllowed = 46,      // the name is allowed, this port is not
  kProtocolNotAllowed = 47,  // neither TCP nor UDP
  kUdpProbe = 48,  // connect() on UDP to a leased address that no UDP rule covers: a source-address
                   // probe as in RFC 6724 §6, harmless and not worth an alarm
  kSocketOption = 49,     // an option that routes around the destination (source routes)
  kTunnelBudget = 50,     // more distinct names below a wildcard than an hour may have
  kOperatorDeny = 51,     // the operator denies this name, or one that its answer leads through
  kBypassedPreload = 52,  // refused by the enclave alone: the preload gate inside was not asked
  // Denied because it is not a proper request.
  kMalformed = 60,
  kNotImplemented = 61,
  kClassNotSupported = 62,
  kBadEdnsVersion = 63,
  kBadGateMessage = 64,
  // Denied because of the state of things.
  kUnknownSession = 80,
  kSessionClosed = 81,
  kOverloaded = 82,
  kShuttingDown = 83,
  kLedgerUnavailable = 84,
};

// The code as it stands in the ledger and in messages, such as "not-allowed".
std::string_view ReasonCode(Reason reason);

// Every reason there is.
std::vector<Reason> AllReasons();

}  // namespace namegate
