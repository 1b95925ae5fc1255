#pragma once

#include "common/gate_protocol.h"
#include "gate/preload/session.h"

namespace namegate::preload {

// The longest that one ask may take before it counts as denied. A healthy daemon answers in well
// under a millisecond; this is for one that is drowning, and short enough that a person sees an
// error rather than a hang.
inline constexpr long kAskLimitMs = 5000;

enum class Answered {
  kProperly,     // `reply` is well-formed, whatever its verdict
  kNot,          // no answer: errno_code says why
  kNonsense,     // an answer that is not one well-formed reply
  kNoSession,    // NAMEGATE_SOCKET was not set
  kPathTooLong,  // NAMEGATE_SOCKET does not fit into a socket address
};

struct Answer {
  Answered answered;
  int errno_code;  // for kNot; ETIMEDOUT if the limit passed
  GateReply reply;
};

// Asks the session's gate service over a fresh connection and waits for its answer.
void Ask(const Session& session, GateRequest& request, Answer& answer);

// Tells the gate service that the gate is in this process. Waits for nothing: if it cannot be said
// at once it is left unsaid.
void SayHello(const char* path);

}  // namespace namegate::preload
