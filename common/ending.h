#pragma once

#include <cstdint>

namespace namegate {

// How a connection ended that a gate let through. The numbers are those of the ledger's table
// `ended_how` and of the relay protocol: never renumber, only add (with a migration).
enum class Ending : uint8_t {
  kClosed = 1,         // both sides had ended it
  kReset = 2,          // one of them broke it
  kRefused = 3,        // the far end refused it
  kUnreachable = 4,    // no way led to the far end
  kTimedOut = 5,       // the far end never answered
  kIdle = 6,           // nothing was sent for a while: a flow of datagrams
  kSessionClosed = 7,  // it was open when its session closed
  kPolicyChanged = 8,  // the session's policy was narrowed and no longer allows it
  kUnknown = 9,        // the relay, or the daemon, was killed meanwhile
};
inline constexpr Ending kLastEnding = Ending::kUnknown;

}  // namespace namegate
