// Connects in a child as vfork() makes one: it shares the memory of its parent, which waits for it.
// (Made by clone(), because compilers and checkers know that little may follow vfork() itself.)

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

Target target;
int fd = -1;
alignas(16) char stack[65536];

int Connect(void*) { _exit(connect(fd, target.address(), target.length) == 0 ? 0 : errno); }

}  // namespace

int main(int argc, char** argv) {
  target = ArgumentTarget(argc, argv);
  fd = Socket(target.family(), SOCK_STREAM);
  const pid_t child =
      clone(Connect, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
  int status = 0;
  if (waitpid(child, &status, 0) != child) GiveUp("no child");
  errno = WEXITSTATUS(status);
  Report("child", errno == 0 ? 0 : -1);
  Report("parent", connect(fd, target.address(), target.length));
  return 0;
}
