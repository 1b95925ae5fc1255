// Connects by sending (MSG_FASTOPEN), and asks for connect() to be put off (TCP_FASTOPEN_CONNECT).

#include <netinet/tcp.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_STREAM);
  const int one = 1;
  Report("setsockopt", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)));
  Report("sendto", sendto(fd, "x", 1, MSG_FASTOPEN, target.address(), target.length));
  const int other = Socket(target.family(), SOCK_STREAM);
  char byte = 'y';
  iovec data = {&byte, 1};
  msghdr message = {};
  message.msg_name = const_cast<sockaddr*>(target.address());
  message.msg_namelen = target.length;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  Report("sendmsg", sendmsg(other, &message, MSG_FASTOPEN));
  return 0;
}
