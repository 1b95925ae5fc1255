// Connects in a constructor of the program, before main().

#include "tests/sandboxee/sandboxee.h"

namespace {

__attribute__((constructor(101))) void ConnectEarly(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_STREAM);
  Report("constructor", connect(fd, target.address(), target.length));
  close(fd);
}

}  // namespace

int main() {
  puts("main");
  return 0;
}
