// Arguments that no program should pass: the kernel's own errors are due.

#include <fcntl.h>

#include "tests/sandboxee/sandboxee.h"

using namespace sandboxee;

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  // Not seen by the compiler, which would warn.
  volatile size_t none = 0;
  const sockaddr* no_address = reinterpret_cast<const sockaddr*>(none);
  const int fd = Socket(target.family(), SOCK_DGRAM);
  const int file = open("/dev/null", O_RDWR);
  Report("connect to null", connect(fd, no_address, target.length));
  Report("connect of no descriptor", connect(-1, target.address(), target.length));
  Report("connect of a file", connect(file, target.address(), target.length));
  Report("sendto of a file", sendto(file, "x", 1, 0, target.address(), target.length));
  Report("sendmsg of null", sendmsg(fd, reinterpret_cast<const msghdr*>(none), 0));
  Report("sendmmsg of null", sendmmsg(fd, reinterpret_cast<mmsghdr*>(none), 1, 0));
  Report("sendmmsg of nothing", sendmmsg(fd, reinterpret_cast<mmsghdr*>(none), 0, 0));
  Report("sendmmsg of no descriptor", sendmmsg(-1, reinterpret_cast<mmsghdr*>(none), 0, 0));
  return 0;
}
