// Connects many times and says whether a descriptor was left open.

#include <fcntl.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

int CountOpen() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int before = CountOpen();
  int result = 0;
  for (int i = 0; i < 100; ++i) {
    const int fd = Socket(target.family(), SOCK_DGRAM);
    result = connect(fd, target.address(), target.length);
    close(fd);
  }
  Report("connect", result);
  printf("descriptors: %s\n", CountOpen() == before ? "same" : "more");
  return 0;
}
