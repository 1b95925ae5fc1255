#pragma once

// The gated system calls, in the kernel's manner: a negative errno on failure. The libc functions
// of the same names and syscall() are both thin fronts of these.

#include <stddef.h>
#include <sys/socket.h>

// What exports.map names, and only that, is seen from outside.
#define NAMEGATE_EXPORT extern "C" __attribute__((visibility("default")))

namespace namegate::preload {

long GatedConnect(int fd, const void* address, int length);
long GatedSendto(int fd, const void* data, size_t size, int flags, const void* address, int length);
long GatedSendmsg(int fd, const msghdr* message, int flags);
long GatedSendmmsg(int fd, mmsghdr* messages, unsigned count, int flags);
long GatedSocket(int family, int type, int protocol);
long GatedSetsockopt(int fd, int level, int option, const void* value, int size);

// Judges where a send leads to. 0: send to what is now in `destination`; else -errno.
class Destination;
long JudgeSend(int fd, int flags, Destination& destination);

}  // namespace namegate::preload
