// Connects with no descriptor left for anybody.

#include <sys/resource.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_STREAM);
  const rlimit limit = {static_cast<rlim_t>(fd) + 1, static_cast<rlim_t>(fd) + 1};
  setrlimit(RLIMIT_NOFILE, &limit);
  while (dup(0) >= 0) {
  }
  Report("connect", connect(fd, target.address(), target.length));
  return 0;
}
