#include <errno.h>
#include <limits.h>
#include <sys/uio.h>

#include "gate/preload/bytes.h"
#include "gate/preload/control_data.h"
#include "gate/preload/gate.h"
#include "gate/preload/hooks.h"
#include "gate/preload/kernel.h"
#include "gate/preload/session.h"

namespace namegate::preload {
namespace {

// sendmsg(2) takes a longer name than there are addresses, and reads as much as it knows.
long TakeName(const msghdr& message, Destination& destination) {
  const long length = static_cast<int>(message.msg_namelen);
  if (message.msg_name == nullptr || length == 0) return 0;
  constexpr long kLongest = sizeof(sockaddr_storage);
  return destination.Take(message.msg_name, length > kLongest ? kLongest : length);
}

// The bytes that a message holds. Only decides whether the next one of sendmmsg() follows.
size_t SizeOf(const msghdr& message) {
  size_t size = 0;
  for (size_t i = 0; i < message.msg_iovlen && i < IOV_MAX; ++i) size += message.msg_iov[i].iov_len;
  return size;
}

}  // namespace

// The kernel gets our copy of the header, with our copies of name and control data in it. The
// iovecs stay the program's: what is sent is nobody's business here.
long GatedSendmsg(int fd, const msghdr* message, int flags) {
  if (message == nullptr) return -EFAULT;
  msghdr copy;
  TakeCopy(&copy, message, sizeof(copy));
  ControlData control;
  Destination destination;
  long result = TakeName(copy, destination);
  if (result == 0 && !IsWalled()) result = control.Check(fd, copy);
  if (result == 0) result = JudgeSend(fd, flags, destination);
  if (result != 0) return result;
  copy.msg_name = const_cast<void*>(destination.data());
  copy.msg_namelen = static_cast<socklen_t>(destination.length());
  return Kernel(__NR_sendmsg, fd, &copy, flags);
}

// Behind a wall it is enough that each is judged: 0, or the first's -errno. `count` becomes how
// many may be sent.
long JudgeAll(int fd, const mmsghdr* messages, unsigned& count, int flags) {
  for (unsigned i = 0; i < count; ++i) {
    msghdr header;
    TakeCopy(&header, &messages[i].msg_hdr, sizeof(header));
    Destination destination;
    long result = TakeName(header, destination);
    if (result == 0) result = JudgeSend(fd, flags, destination);
    if (result == 0) continue;
    count = i;
    return i == 0 ? result : 0;
  }
  return 0;
}

// One by one, because each has a verdict of its own. As in the kernel, the first failure ends it
// and is told only if nothing was sent before, and so does a stream that took less than all of a
// message.
long GatedSendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (count == 0) return Kernel(__NR_sendmmsg, fd, messages, 0, flags);
  if (messages == nullptr) return -EFAULT;
  if (count > IOV_MAX) count = IOV_MAX;  // as the kernel
  if (IsWalled()) {
    const long result = JudgeAll(fd, messages, count, flags);
    return result != 0 ? result : Kernel(__NR_sendmmsg, fd, messages, count, flags);
  }
  unsigned sent = 0;
  while (sent < count) {
    mmsghdr& message = messages[sent];
    const long result = GatedSendmsg(fd, &message.msg_hdr, flags);
    if (result < 0) return sent > 0 ? static_cast<long>(sent) : result;
    message.msg_len = static_cast<unsigned>(result);
    ++sent;
    if (static_cast<size_t>(result) < SizeOf(message.msg_hdr)) break;
  }
  return sent;
}

}  // namespace namegate::preload

NAMEGATE_EXPORT ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return namegate::preload::AsLibcResult(namegate::preload::GatedSendmsg(fd, message, flags));
}

NAMEGATE_EXPORT int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return static_cast<int>(namegate::preload::AsLibcResult(
      namegate::preload::GatedSendmmsg(fd, messages, count, flags)));
}
