// Connects in a child made by vfork(), which shares the memory of its parent.

#include <sys/wait.h>

#include "tests/sandboxee/sandboxee.h"

using namespace sandboxee;

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_STREAM);
  const pid_t child = vfork();
  if (child == 0) _exit(connect(fd, target.address(), target.length) == 0 ? 0 : errno);
  int status = 0;
  waitpid(child, &status, 0);
  errno = WEXITSTATUS(status);
  Report("child", errno == 0 ? 0 : -1);
  Report("parent", connect(fd, target.address(), target.length));
  return 0;
}
