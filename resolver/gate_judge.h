#pragma once

#include <optional>
#include <string>

#include "common/gate_protocol.h"
#include "resolver/pipeline.h"
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
  // Asked by the enclave's gateway, for this process (0: not known); else by a gate for itself.
  std::optional<uint32_t> relayed_pid;
  bool quiet = false;
  std::string message;  // for a denial: one line for a person, with the rule that would allow it
};

// Judges what a gate asks, by the session's address rules and leases; extends the lease that
// admits. Anything that is not exactly a request as gate_protocol.h has it is denied.
//
// `request` holds what was received, and zeros behind it; `size` is how long that was.
GateVerdict JudgeGateRequest(Session& session, const RelayRequest& request, size_t size,
                             LeaseTerms terms);

}  // namespace namegate::resolver
