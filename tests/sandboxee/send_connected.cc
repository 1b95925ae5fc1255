// Connects to the first ADDRESS PORT over TCP, then sends with the second as a destination, which a
// connected stream ignores.

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv, 0);
  const Target other = ArgumentTarget(argc, argv, 1);
  const int fd = Socket(target.family(), SOCK_STREAM);
  Report("connect", connect(fd, target.address(), target.length));
  Report("sendto", sendto(fd, "a", 1, 0, other.address(), other.length));
  char byte = 'b';
  iovec data = {&byte, 1};
  mmsghdr messages[2] = {};
  for (mmsghdr& message : messages) {
    message.msg_hdr.msg_name = const_cast<sockaddr*>(other.address());
    message.msg_hdr.msg_namelen = other.length;
    message.msg_hdr.msg_iov = &data;
    message.msg_hdr.msg_iovlen = 1;
  }
  Report("sendmsg", sendmsg(fd, &messages[0].msg_hdr, 0));
  printf("sendmmsg: %d\n", sendmmsg(fd, messages, 2, 0));
  return 0;
}
