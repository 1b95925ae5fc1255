// A library that, when it is loaded, forgets the gate's socket and connects to $EARLY_ADDRESS
// $EARLY_PORT. With EARLY_KEEP=1 it leaves the environment alone.

#include "tests/sandboxee/sandboxee.h"

namespace {

__attribute__((constructor)) void ConnectEarly() {
  if (getenv("EARLY_ADDRESS") == nullptr) return;
  if (getenv("EARLY_KEEP") == nullptr) unsetenv("NAMEGATE_SOCKET");
  const Target target = MakeTarget(getenv("EARLY_ADDRESS"), getenv("EARLY_PORT"));
  const int fd = Socket(target.family(), SOCK_STREAM);
  Report("library", connect(fd, target.address(), target.length));
  close(fd);
}

}  // namespace
