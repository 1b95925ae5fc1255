#include <errno.h>

#include "gate/preload/gate.h"
#include "gate/preload/hooks.h"
#include "gate/preload/kernel.h"

namespace namegate::preload {
namespace {

// 0: the kernel may have the copy.
long JudgeConnect(int fd, const Destination& destination) {
  switch (destination.kind()) {
    case DestinationKind::kNone:
    case DestinationKind::kTooShort:
    case DestinationKind::kLocal:
    case DestinationKind::kUnspecified:  // dissolves a connection
      return 0;
    case DestinationKind::kForeign:
      return RefuseSocketFamily(destination.family(), 0, 0);
    case DestinationKind::kInternet:
      break;
  }
  const long protocol = SocketProtocol(fd);
  if (protocol < 0) return protocol;
  return Admit(GateOperation::kConnect, static_cast<int>(protocol), destination);
}

}  // namespace

long GatedConnect(int fd, const void* address, int length) {
  Destination destination;
  long result = destination.Take(address, length);
  if (result == 0) result = JudgeConnect(fd, destination);
  if (result != 0) return result;
  return Kernel(__NR_connect, fd, destination.data(), destination.length());
}

}  // namespace namegate::preload

NAMEGATE_EXPORT int connect(int fd, const sockaddr* address, socklen_t length) {
  return static_cast<int>(namegate::preload::AsLibcResult(
      namegate::preload::GatedConnect(fd, address, static_cast<int>(length))));
}

// Old libraries were linked with this name of it.
NAMEGATE_EXPORT int ConnectByOldName(int fd, const sockaddr* address,
                                     socklen_t length) asm("__connect");
int ConnectByOldName(int fd, const sockaddr* address, socklen_t length) {
  return static_cast<int>(namegate::preload::AsLibcResult(
      namegate::preload::GatedConnect(fd, address, static_cast<int>(length))));
}
