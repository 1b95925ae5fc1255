// Sends one datagram to every ADDRESS PORT in turn.

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    const int fd = Socket(target.family(), SOCK_DGRAM);
    Report("sendto", sendto(fd, "x", 1, 0, target.address(), target.length));
    close(fd);
  }
  return 0;
}
