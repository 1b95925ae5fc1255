#pragma once

#include "common/result.h"

namespace namegate::enclave {

// For the calling process and all that it starts, for good: sockets of no family but UNIX, INET,
// INET6, NETLINK and PACKET (AF_VSOCK, for one, knows no network namespaces), no io_uring, no
// system calls of another architecture than the native one, no typing into the terminal on the
// user's behalf.
// The caller needs CAP_SYS_ADMIN in its user namespace.
Result<void> RestrictSystemCalls();

}  // namespace namegate::enclave
