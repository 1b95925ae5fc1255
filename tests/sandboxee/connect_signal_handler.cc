// Connects inside a signal handler that runs on a small stack of its own.

#include <signal.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

Target target;
int fd = -1;
int outcome = 0;
int outcome_errno = 0;
alignas(16) char stack[8192];

void Connect(int) {
  outcome = connect(fd, target.address(), target.length);
  outcome_errno = errno;
}

}  // namespace

int main(int argc, char** argv) {
  target = ArgumentTarget(argc, argv);
  fd = Socket(target.family(), SOCK_STREAM);
  stack_t alternate = {};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof(stack);
  sigaltstack(&alternate, nullptr);
  struct sigaction action = {};
  action.sa_handler = Connect;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, nullptr);
  if (raise(SIGUSR1) != 0) return 2;
  errno = outcome_errno;
  Report("handler", outcome);
  return 0;
}
