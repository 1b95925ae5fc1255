// Connects in the process, then in a child made by fork().

#include <sys/wait.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

void Connect(const char* who, const Target& target) {
  const int fd = Socket(target.family(), SOCK_STREAM);
  Report(who, connect(fd, target.address(), target.length));
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  Connect("parent", target);
  const pid_t child = fork();
  if (child == 0) {
    Connect("child", target);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  return 0;
}
