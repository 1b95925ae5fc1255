// Connects a UDP socket, sends through both names of send(), dissolves the connection.

#include "tests/sandboxee/sandboxee.h"

using namespace sandboxee;

extern "C" ssize_t __send(int fd, const void* data, size_t size, int flags);
extern "C" int __connect(int fd, const sockaddr* address, socklen_t length);

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_DGRAM);
  Report("connect", connect(fd, target.address(), target.length));
  Report("send", send(fd, "a", 1, 0));
  Report("__send", __send(fd, "b", 1, 0));
  sockaddr unspecified = {};
  unspecified.sa_family = AF_UNSPEC;
  Report("dissolve", connect(fd, &unspecified, sizeof(unspecified)));
  Report("send", send(fd, "c", 1, 0));
  Report("__connect", __connect(fd, target.address(), target.length));
  return 0;
}
