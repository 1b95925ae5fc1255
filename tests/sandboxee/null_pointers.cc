// Arguments that no program should pass: the kernel's own errors are due.

#include <fcntl.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  // Volatile, or the compiler would see them and warn.
  const sockaddr* volatile no_address = nullptr;
  const msghdr* volatile no_message = nullptr;
  mmsghdr* volatile no_messages = nullptr;
  const int fd = Socket(target.family(), SOCK_DGRAM);
  const int file = open("/dev/null", O_RDWR);
  Report("connect to null", connect(fd, no_address, target.length));
  Report("connect of no descriptor", connect(-1, target.address(), target.length));
  Report("connect of a file", connect(file, target.address(), target.length));
  Report("sendto of a file", sendto(file, "x", 1, 0, target.address(), target.length));
  Report("sendmsg of null", sendmsg(fd, no_message, 0));
  Report("sendmmsg of null", sendmmsg(fd, no_messages, 1, 0));
  Report("sendmmsg of nothing", sendmmsg(fd, no_messages, 0, 0));
  Report("sendmmsg of no descriptor", sendmmsg(-1, no_messages, 0, 0));
  return 0;
}
