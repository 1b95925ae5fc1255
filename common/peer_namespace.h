#pragma once

#include <sys/types.h>

namespace namegate {

enum class PeerNamespace { kOurs, kAnother, kUnknown };

// Whether the process that opened the other end of a Unix socket (connect(2), or listen(2)) has the
// same user namespace as this one. A command in an enclave has one below that of its daemon.
// kUnknown: it has ended, or is not in this pid namespace.
PeerNamespace UserNamespaceOfPeer(int socket);

}  // namespace namegate
