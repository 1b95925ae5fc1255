// Connects a UDP socket, sends through both names of send(), dissolves the connection.

#include "tests/sandboxee/sandboxee.h"

extern "C" ssize_t SendByOldName(int fd, const void* data, size_t size, int flags) asm("__send");
extern "C" int ConnectByOldName(int fd, const sockaddr* address, socklen_t length) asm("__connect");

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_DGRAM);
  Report("connect", connect(fd, target.address(), target.length));
  Report("send", send(fd, "a", 1, 0));
  Report("__send", SendByOldName(fd, "b", 1, 0));
  sockaddr unspecified = {};
  unspecified.sa_family = AF_UNSPEC;
  Report("dissolve", connect(fd, &unspecified, sizeof(unspecified)));
  Report("send", send(fd, "c", 1, 0));
  Report("__connect", ConnectByOldName(fd, target.address(), target.length));
  return 0;
}
