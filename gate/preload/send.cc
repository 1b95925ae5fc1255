#include <errno.h>
#include <netinet/in.h>

#include "gate/preload/gate.h"
#include "gate/preload/hooks.h"
#include "gate/preload/kernel.h"

namespace namegate::preload {
namespace {

// TCP: MSG_FASTOPEN makes the send a connect, without it the kernel ignores the destination.
long JudgeStream(int flags, Destination& destination) {
  if ((flags & MSG_FASTOPEN) != 0) {
    return Admit(GateOperation::kConnect, IPPROTO_TCP, destination);
  }
  destination.Drop();
  return 0;
}

long JudgeInternet(int fd, int flags, Destination& destination) {
  const long protocol = SocketProtocol(fd);
  if (protocol < 0) return protocol;
  if (protocol == IPPROTO_TCP) return JudgeStream(flags, destination);
  return Admit(GateOperation::kSend, static_cast<int>(protocol), destination);
}

// An IPv6 socket takes AF_UNSPEC for "no destination", an IPv4 socket for AF_INET.
long ResolveUnspecified(int fd, Destination& destination) {
  const long domain = SocketDomain(fd);
  if (domain < 0) return domain;
  if (domain == AF_INET6) {
    destination.Drop();
  } else {
    destination.ReadUnspecifiedAsInet();
  }
  return 0;
}

}  // namespace

long JudgeSend(int fd, int flags, Destination& destination) {
  if (destination.kind() == DestinationKind::kUnspecified) {
    const long result = ResolveUnspecified(fd, destination);
    if (result < 0) return result;
  }
  switch (destination.kind()) {
    case DestinationKind::kNone:
    case DestinationKind::kTooShort:
    case DestinationKind::kLocal:
      return 0;
    case DestinationKind::kInternet:
      return JudgeInternet(fd, flags, destination);
    case DestinationKind::kUnspecified:
    case DestinationKind::kForeign:
      break;
  }
  return RefuseSocketFamily(destination.family(), 0, 0);
}

long GatedSendto(int fd, const void* data, size_t size, int flags, const void* address,
                 int length) {
  Destination destination;
  long result = address == nullptr ? 0 : destination.Take(address, length);
  if (result == 0) result = JudgeSend(fd, flags, destination);
  if (result != 0) return result;
  return Kernel(__NR_sendto, fd, data, size, flags, destination.data(), destination.length());
}

}  // namespace namegate::preload

NAMEGATE_EXPORT ssize_t sendto(int fd, const void* data, size_t size, int flags,
                               const sockaddr* address, socklen_t length) {
  return namegate::preload::AsLibcResult(
      namegate::preload::GatedSendto(fd, data, size, flags, address, static_cast<int>(length)));
}

// Without a destination there is nothing to judge: it was judged when the socket was connected.
NAMEGATE_EXPORT ssize_t send(int fd, const void* data, size_t size, int flags) {
  return namegate::preload::AsLibcResult(
      namegate::preload::GatedSendto(fd, data, size, flags, nullptr, 0));
}

NAMEGATE_EXPORT ssize_t SendByOldName(int fd, const void* data, size_t size,
                                      int flags) asm("__send");
ssize_t SendByOldName(int fd, const void* data, size_t size, int flags) {
  return namegate::preload::AsLibcResult(
      namegate::preload::GatedSendto(fd, data, size, flags, nullptr, 0));
}
