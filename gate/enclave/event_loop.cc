#include "gate/enclave/event_loop.h"

#include <array>

namespace namegate::enclave {

void Watch::Reset() {
  if (loop_ != nullptr) loop_->Remove(id_);
  loop_ = nullptr;
}

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

Watch EventLoop::Add(int fd, uint32_t events, Handler handler) {
  const uint64_t id = next_id_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return {};
  entries_[id] = std::make_shared<Entry>(Entry{fd, std::move(handler)});
  return {this, id};
}

void EventLoop::Remove(uint64_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second->fd, nullptr);
  entries_.erase(found);
}

void EventLoop::Run(const std::function<void()>& tick) {
  std::array<epoll_event, 256> events{};
  Clock::time_point next_tick = Clock::now() + kTick;
  while (running_) {
    const int wait_ms = posted_.empty() ? static_cast<int>(kTick.count()) : 0;
    const int ready =
        epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms);
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      const auto found = entries_.find(event.data.u64);
      if (found == entries_.end()) continue;
      const std::shared_ptr<Entry> entry = found->second;  // the handler may end its own watch
      entry->handler(event.events);
    }
    for (const auto& later : std::exchange(posted_, {})) later();
    if (const auto now = Clock::now(); now >= next_tick) {
      next_tick = now + kTick;
      tick();
    }
  }
}

}  // namespace namegate::enclave
