#pragma once

// What the enclave's relay and the daemon say to each other: fixed-size messages over one
// SOCK_SEQPACKET connection to StatePaths::relay_socket(), as long as the relay lives. Host byte
// order (both ends are on one host) except where noted. A relay whose connection ends connects
// again and first says which connections it still carries (kKept … kAllKept), so that a daemon that
// was restarted knows which ones have ended unseen.

#include <cstdint>

#include "common/ending.h"

namespace namegate {

inline constexpr uint32_t kRelayMagic = 0x4e475245;  // "NGRE"
inline constexpr uint16_t kRelayVersion = 1;

enum class RelayOperation : uint8_t {
  kAsk = 1,    // may this start? `id` is a number of the relay's choice, given back in the verdict
  kEnded = 2,  // the connection `id` has ended, as `ending` and the bytes say; no answer
  kKept = 3,   // the connection `id` of an earlier daemon is still carried; no answer
  kAllKept = 4,  // and no other is
};

struct RelayMessage {
  uint32_t magic;
  uint16_t version;
  uint16_t size;  // sizeof(RelayMessage)
  uint8_t operation;
  uint8_t family;       // for kAsk: 4 or 6
  uint8_t protocol;     // for kAsk: 6 TCP, 17 UDP
  uint8_t ending;       // for kEnded: an Ending
  uint16_t port;        // for kAsk
  uint16_t refused;     // for kAsk: 1: the relay refuses it in any case; it is only recorded
  uint8_t address[16];  // for kAsk: network order; the first 4 for family 4
  uint32_t pid;         // for kAsk: of the process that connects; 0: not known
  uint32_t reserved2;   // zero
  int64_t id;
  uint64_t bytes_out;  // for kEnded: from the sandbox
  uint64_t bytes_in;
};
static_assert(sizeof(RelayMessage) == 64);

enum class RelayAnswer : uint8_t {
  kVerdict = 1,  // on the question `id`; if it is allowed, `connection` is its number from now on
  kBreak = 2,    // the policy no longer allows `connection`
};

struct RelayReply {
  uint32_t magic;
  uint16_t version;
  uint16_t size;      // sizeof(RelayReply)
  uint8_t answer;     // a RelayAnswer
  uint8_t verdict;    // 1 allow, anything else deny
  uint16_t reserved;  // zero
  uint32_t reserved2;
  int64_t id;
  int64_t connection;
};
static_assert(sizeof(RelayReply) == 32);

}  // namespace namegate
