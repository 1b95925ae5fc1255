// Tries what leads past a network namespace: other socket families, io_uring, a
// terminal's input, the kernel's keys.

#include <linux/io_uring.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

void Try(const char* name, int family, int type) {
  const int fd = socket(family, type, 0);
  Report(name, fd);
  if (fd >= 0) close(fd);
}

}  // namespace

int main() {
  Try("vsock", AF_VSOCK, SOCK_STREAM);
  Try("packet", AF_PACKET, SOCK_RAW);
  Try("bluetooth", 31, SOCK_RAW);
  Try("alg", AF_ALG, SOCK_SEQPACKET);
  Try("unix", AF_UNIX, SOCK_STREAM);
  Try("netlink", AF_NETLINK, SOCK_RAW);
  Try("inet", AF_INET, SOCK_STREAM);
  Try("inet6", AF_INET6, SOCK_DGRAM);
  io_uring_params parameters = {};
  Report("io_uring", syscall(SYS_io_uring_setup, 1, &parameters));
  // The upper half of a 64-bit argument is dropped by the kernel, and must not fool a filter.
  Report("wide vsock", syscall(SYS_socket, (1L << 32) | AF_VSOCK, SOCK_STREAM, 0));
  char typed = 'x';
  Report("tiocsti", ioctl(0, TIOCSTI, &typed));
  char paste[] = {3};  // the console's selection (ioctl_console(2))
  Report("tioclinux", ioctl(0, TIOCLINUX, paste));
  Report("request_key", syscall(SYS_request_key, "dns_resolver", "a.example", "", 0));
  return 0;
}
