#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "gate/preload/gate.h"
#include "gate/preload/hooks.h"
#include "gate/preload/kernel.h"
#include "gate/preload/session.h"

namespace namegate::preload {
namespace {

constexpr int kFlowLabelManager = 32;      // IPV6_FLOWLABEL_MGR of <linux/in6.h>
constexpr int kFlowLabelRequestSize = 32;  // struct in6_flowlabel_req; what follows it are options
constexpr int kSctpConnectOld = 107;       // SCTP_SOCKOPT_CONNECTX_OLD
constexpr int kSctpConnect = 110;          // SCTP_SOCKOPT_CONNECTX

// Options through which packets go to another host than the one connected or sent to. An empty
// value takes such an option away again and is harmless.
bool RoutesAround(int level, int option, int size) {
  if (size == 0) return false;
  if (level == SOL_IP) return option == IP_OPTIONS;
  if (level == SOL_IPV6) {
    return option == IPV6_RTHDR || option == IPV6_2292RTHDR || option == IPV6_2292PKTOPTIONS ||
           (option == kFlowLabelManager && size > kFlowLabelRequestSize);
  }
  return level == kSctp && (option == kSctpConnectOld || option == kSctpConnect);
}

}  // namespace

long GatedSetsockopt(int fd, int level, int option, const void* value, int size) {
  if (IsWalled()) return Kernel(__NR_setsockopt, fd, level, option, value, size);
  if (RoutesAround(level, option, size)) return RefuseSourceRoute();
  if (level == SOL_TCP && option == TCP_FASTOPEN_CONNECT) return RefuseFastOpen();
  return Kernel(__NR_setsockopt, fd, level, option, value, size);
}

}  // namespace namegate::preload

NAMEGATE_EXPORT int setsockopt(int fd, int level, int option, const void* value,
                               socklen_t size) noexcept {
  return static_cast<int>(namegate::preload::AsLibcResult(
      namegate::preload::GatedSetsockopt(fd, level, option, value, static_cast<int>(size))));
}
