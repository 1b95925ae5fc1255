#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace namegate {

// A thread to which the kernel delivers no signal, so that those of the process reach the thread
// whose loop waits for them.
template <typename Work>
std::thread QuietThread(Work work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(work));  // it begins with the mask of who makes it
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace namegate
