#pragma once

// What a gate asks the gate service, and what it gets back. One SOCK_SEQPACKET connection to the
// session's own socket, one GateRequest, one GateReply; the daemon learns the process from
// SO_PEERCRED. Fixed sizes, host byte order (both ends are on one host) except where noted.
// Anything that is not exactly one well-formed message gets a denial.
//
// Plain types only: libnamegate.so includes this and nothing else of ours.

#include <stdint.h>

namespace namegate {

inline constexpr uint32_t kGateMagic = 0x4e474154;  // "NGAT"
inline constexpr uint16_t kGateVersion = 1;

enum class GateOperation : uint8_t {
  kHello = 1,    // the gate was loaded into this process; no verdict is asked
  kConnect = 2,  // connect(), or a send that connects (MSG_FASTOPEN)
  kSend = 3,     // a datagram to an explicit destination
  kRefused = 4,  // the gate itself refused: `detail` says what (a source route, a socket family)
};

struct GateRequest {
  uint32_t magic;
  uint16_t version;
  uint16_t size;  // sizeof(GateRequest)
  uint8_t operation;
  uint8_t family;     // 4 or 6; 0 for kHello and where there is no address
  uint8_t protocol;   // IANA protocol number: 6 TCP (MPTCP too), 17 UDP, others as they are
  uint8_t detail;     // for kRefused: a GateRefusal
  uint16_t port;      // host byte order
  uint16_t reserved;  // zero
  uint8_t
      address[16];  // network order; the first 4 for family 4. Never v4-mapped, never 0.0.0.0 or ::
};
static_assert(sizeof(GateRequest) == 32);

enum class GateRefusal : uint8_t {
  kNone = 0,
  kSocketFamily = 1,  // socket() of a family or type that no rule can speak of
  kSourceRoute = 2,   // an option or control message that routes around the destination
  kFastOpen = 3,      // TCP_FASTOPEN_CONNECT, refused so that connect() means connected
};

struct GateReply {
  uint32_t magic;
  uint16_t version;
  uint16_t size;    // sizeof(GateReply)
  uint8_t verdict;  // 1 allow, anything else deny
  uint8_t quiet;    // 1: deny without the line on stderr (a UDP source-address probe)
  uint16_t reason;  // a namegate::Reason
  // For a denial: one printable line without newline that says what was denied, why and which rule
  // would allow it. NUL-terminated.
  char message[244];
};
static_assert(sizeof(GateReply) == 256);

// Inside an enclave, where the gate is loaded so that programs are told why: its own place, which
// is the same in every session and covers the host's directory of that name.
inline constexpr char kInnerDirectory[] = "/etc/namegate";
inline constexpr char kInnerLibrary[] = "/etc/namegate/libnamegate.so";
inline constexpr char kInnerSession[] = "/etc/namegate/session";
inline constexpr char kInnerGateSocket[] = "/etc/namegate/session/gate";

// Environment of a gated process.
inline constexpr char kGateSocketVariable[] = "NAMEGATE_SOCKET";  // path of the session's socket
inline constexpr char kGateQuietVariable[] = "NAMEGATE_QUIET";    // 1: no lines on stderr

}  // namespace namegate
