// Throws its environment away, names a gate of its own, and connects.

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  clearenv();
  setenv("NAMEGATE_SOCKET", "/nonexistent", 1);
  setenv("NAMEGATE_QUIET", "1", 1);
  const int fd = Socket(target.family(), SOCK_STREAM);
  Report("connect", connect(fd, target.address(), target.length));
  return 0;
}
