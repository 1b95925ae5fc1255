// Connects many times and says whether a descriptor was left open.

#include "tests/sandboxee/sandboxee.h"

using namespace sandboxee;

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int before = dup(0);
  close(before);
  int result = 0;
  for (int i = 0; i < 100; ++i) {
    const int fd = Socket(target.family(), SOCK_DGRAM);
    result = connect(fd, target.address(), target.length);
    close(fd);
  }
  Report("connect", result);
  printf("descriptors: %s\n", dup(0) == before ? "same" : "more");
  return 0;
}
