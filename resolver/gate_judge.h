#pragma once

#include <optional>
#include <string>

#include "common/gate_protocol.h"
#include "resolver/lease_table.h"
#include "resolver/session.h"

namespace namegate::resolver {

// The verdict on one connection attempt, as the gate is told it and as the ledger keeps it.
struct GateVerdict {
  Verdict verdict = Verdict::kDeny;
  Reason reason = Reason::kBadGateMessage;
  std::string rule;                // canonical text of the rule that allows it
  std::optional<DomainName> name;  // that the address was answered for
  int64_t query_id = 0;
  std::optional<Endpoint> destination;
  uint8_t protocol = 0;
  bool quiet = false;
  std::string message;  // for a denial: one line for a person, with the rule that would allow it
};

// Judges what a preload gate asks, by the session's address rules and leases; extends the lease
// that admits. Anything that is not exactly a request as gate_protocol.h has it is denied.
//
// `request` holds what was received, and zeros behind it; `size` is how long that was.
GateVerdict JudgeGateRequest(Session& session, const GateRequest& request, size_t size,
                             LeaseTerms terms);

// The same for what the enclave's gateway saw start: a connection, or a flow of datagrams.
GateVerdict JudgeRelayed(Session& session, Protocol protocol, const Endpoint& to, LeaseTerms terms);

// The denial of what the gateway refuses whoever it is for: a packet with a route of its own, or in
// a form in which no kernel starts a connection.
GateVerdict RefuseRelayed(Protocol protocol, const Endpoint& to);

}  // namespace namegate::resolver
