#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "gate/preload/gate.h"
#include "gate/preload/hooks.h"
#include "gate/preload/kernel.h"
#include "gate/preload/session.h"

namespace namegate::preload {
namespace {

constexpr int kTypeMask = 0xf;  // the rest are SOCK_CLOEXEC and SOCK_NONBLOCK

// Plain streams and datagrams. Raw sockets write the destination into the packet itself, SCTP has
// options that connect, L2TP and DCCP have no rules.
bool IsGatable(int type, int protocol) {
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return false;
  switch (protocol) {
    case 0:
    case IPPROTO_TCP:
    case kMptcp:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_ICMP:  // an unprivileged ping: judged, and denied, when it sends
    case IPPROTO_ICMPV6:
      return true;
    default:
      return false;
  }
}

}  // namespace

long GatedSocket(int family, int type, int protocol) {
  const bool local = family == AF_UNIX || family == AF_NETLINK;
  const bool internet = family == AF_INET || family == AF_INET6;
  if (local || IsWalled() || (internet && IsGatable(type & kTypeMask, protocol))) {
    return Kernel(__NR_socket, family, type, protocol);
  }
  return RefuseSocketFamily(family, type & kTypeMask, protocol);
}

}  // namespace namegate::preload

NAMEGATE_EXPORT int socket(int family, int type, int protocol) noexcept {
  return static_cast<int>(
      namegate::preload::AsLibcResult(namegate::preload::GatedSocket(family, type, protocol)));
}
