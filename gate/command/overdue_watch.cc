#include "gate/command/overdue_watch.h"

#include <unistd.h>

#include <utility>

#include "gate/command/output.h"

namespace namegate::command {

OverdueWatch::OverdueWatch(std::chrono::steady_clock::time_point deadline, std::string message)
    : deadline_(deadline), message_(std::move(message)), thread_([this] { Run(); }) {}

OverdueWatch::~OverdueWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void OverdueWatch::Run() {
  std::unique_lock lock(mutex_);
  auto look = deadline_ + kGrace;
  while (!changed_.wait_until(lock, look, [this] { return ending_; })) {
    if (inside_) _exit(Fail(message_));
    look += kGrace;
  }
}

}  // namespace namegate::command
