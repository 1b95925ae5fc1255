// Connects while a signal arrives every millisecond, its handler installed without SA_RESTART.

#include <signal.h>
#include <sys/time.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

volatile sig_atomic_t signals = 0;

void Count(int) { signals = signals + 1; }

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  struct sigaction action = {};
  action.sa_handler = Count;
  sigaction(SIGALRM, &action, nullptr);
  // UDP: its connect() cannot itself be interrupted.
  const int fd = Socket(target.family(), SOCK_DGRAM);
  const itimerval every_ms = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &every_ms, nullptr);
  const int result = connect(fd, target.address(), target.length);
  const int code = errno;
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
  errno = code;
  Report("connect", result);
  printf("signals: %s\n", signals > 0 ? "some" : "none");
  return 0;
}
