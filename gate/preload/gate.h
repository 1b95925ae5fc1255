#pragma once

#include "common/gate_protocol.h"
#include "gate/preload/destination.h"

namespace namegate::preload {

// What the oldest headers have no names for.
inline constexpr int kSctp = 132;   // SOL_SCTP, IPPROTO_SCTP
inline constexpr int kMptcp = 262;  // IPPROTO_MPTCP

// The decisions, one place for all hooks. Whatever is not a plain "allow" from the gate service is
// a denial; denials are told on stderr, once per destination and process.

// May `fd` reach `destination`? 0 if so, -EACCES if not.
long Admit(GateOperation operation, int protocol, const Destination& destination);

// Has the gate service record what this library refuses by itself. Always -EACCES, but 0 behind a
// wall, whose business it is.
long RefuseSocketFamily(int family, int type, int protocol);
long RefuseSourceRoute();
// Not told on stderr, and always -EOPNOTSUPP: programs take that for an old kernel and connect
// plainly.
long RefuseFastOpen();

// The socket's IANA protocol number as rules speak of it (MPTCP is TCP; 255 if no rule can), or
// -errno.
long SocketProtocol(int fd);
// The socket's address family, or -errno.
long SocketDomain(int fd);

}  // namespace namegate::preload
