// Makes the gated calls by their numbers, and some ungated ones that must come through unharmed.

#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  char byte = 'x';
  iovec data = {&byte, 1};
  mmsghdr message = {};
  message.msg_hdr.msg_name = const_cast<sockaddr*>(target.address());
  message.msg_hdr.msg_namelen = target.length;
  message.msg_hdr.msg_iov = &data;
  message.msg_hdr.msg_iovlen = 1;
  const int fd = static_cast<int>(syscall(SYS_socket, target.family(), SOCK_DGRAM, 0));
  Report("socket", fd);
  Report("sendto", syscall(SYS_sendto, fd, &byte, 1, 0, target.address(), target.length));
  Report("sendmsg", syscall(SYS_sendmsg, fd, &message.msg_hdr, 0));
  Report("sendmmsg", syscall(SYS_sendmmsg, fd, &message, 1, 0));
  Report("connect", syscall(SYS_connect, fd, target.address(), target.length));
  // The kernel ignores the upper half of the number.
  Report("connect, high bits",
         syscall(SYS_connect | 1L << 32, fd, target.address(), target.length));
  Report("socket AF_VSOCK", syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0));
  const int one = 1;
  Report("setsockopt",
         syscall(SYS_setsockopt, fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)));
  char parameters[128] = {};
  Report("io_uring_setup", syscall(SYS_io_uring_setup, 1, parameters));
  printf("getpid: %s\n", syscall(SYS_getpid) == getpid() ? "OK" : "wrong");
  const long page = syscall(SYS_mmap, nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Report("mmap", page == -1 ? -1 : 0);
  Report("close", syscall(SYS_close, -1));
  Report("no such call", syscall(100000));
  return 0;
}
