#pragma once

#include <stddef.h>
#include <sys/socket.h>

namespace namegate::preload {

// A copy of a message's control data, free of anything that routes around the destination. Room for
// every control message that a send on an IP socket understands, several times over, and small
// enough for a signal handler's stack; what is larger is refused.
class ControlData {
 public:
  // Replaces message.msg_control by a checked copy, on IPv4 and IPv6 sockets. Other sockets keep
  // theirs: they pass descriptors, and have no routes. 0, or -errno.
  long Check(int fd, msghdr& message);

 private:
  static constexpr size_t kLimit = 512;
  alignas(cmsghdr) unsigned char copy_[kLimit];
};

}  // namespace namegate::preload
