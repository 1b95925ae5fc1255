#include "common/held_signals.h"

#include <sys/signalfd.h>

#include <csignal>

namespace namegate {

UniqueFd HoldSignals(std::initializer_list<int> signals) {
  sigset_t held;
  sigemptyset(&held);
  for (const int signal : signals) sigaddset(&held, signal);
  pthread_sigmask(SIG_BLOCK, &held, nullptr);
  return UniqueFd(signalfd(-1, &held, SFD_NONBLOCK | SFD_CLOEXEC));
}

}  // namespace namegate
