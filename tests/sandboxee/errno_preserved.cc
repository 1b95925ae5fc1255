// Does with every gated function what succeeds, and says what became of errno.

#include <netinet/tcp.h>
#include <sys/syscall.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

void Check(const char* call, long result) {
  printf("%s: %s, errno %s\n", call, result >= 0 ? "OK" : "failed",
         errno == EXDEV ? "untouched" : "changed");
  errno = EXDEV;
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  char byte = 'x';
  iovec data = {&byte, 1};
  mmsghdr message = {};
  message.msg_hdr.msg_name = const_cast<sockaddr*>(target.address());
  message.msg_hdr.msg_namelen = target.length;
  message.msg_hdr.msg_iov = &data;
  message.msg_hdr.msg_iovlen = 1;
  printf("start\n");
  errno = EXDEV;
  const int fd = socket(target.family(), SOCK_DGRAM, 0);
  Check("socket", fd);
  const int one = 1;
  Check("setsockopt", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
  Check("sendto", sendto(fd, &byte, 1, 0, target.address(), target.length));
  Check("sendmsg", sendmsg(fd, &message.msg_hdr, 0));
  Check("sendmmsg", sendmmsg(fd, &message, 1, 0));
  Check("connect", connect(fd, target.address(), target.length));
  Check("send", send(fd, &byte, 1, 0));
  Check("syscall", syscall(SYS_getpid));
  Check("syscall", syscall(SYS_connect, fd, target.address(), target.length));
  return 0;
}
