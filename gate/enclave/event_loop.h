#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/unique_fd.h"

namespace namegate::enclave {

using Clock = std::chrono::steady_clock;

class EventLoop;

// While it lives, a descriptor's events are handled; it must go before the descriptor.
class Watch {
 public:
  Watch() = default;
  Watch(EventLoop* loop, uint64_t id) : loop_(loop), id_(id) {}
  Watch(Watch&& other) noexcept
      : loop_(std::exchange(other.loop_, nullptr)), id_(std::exchange(other.id_, 0)) {}
  Watch& operator=(Watch&& other) noexcept {
    if (this != &other) {
      Reset();
      loop_ = std::exchange(other.loop_, nullptr);
      id_ = std::exchange(other.id_, 0);
    }
    return *this;
  }
  ~Watch() { Reset(); }
  explicit operator bool() const { return loop_ != nullptr; }
  void Reset();

 private:
  EventLoop* loop_ = nullptr;
  uint64_t id_ = 0;
};

// epoll(7), one thread. A handler may end any watch, its own too; a handler is never called after
// its watch has ended, even for an event that was there already.
class EventLoop {
 public:
  using Handler = std::function<void(uint32_t events)>;
  // How often Run() calls its `tick`: the grain of every timeout here.
  static constexpr std::chrono::milliseconds kTick{100};

  EventLoop();

  // An invalid watch (events never come) if the kernel refuses, which it does only out of memory.
  Watch Add(int fd, uint32_t events, Handler handler);
  // Calls `later` in the next turn.
  void Post(std::function<void()> later) { posted_.push_back(std::move(later)); }
  void Run(const std::function<void()>& tick);
  void Stop() { running_ = false; }

 private:
  friend class Watch;
  struct Entry {
    int fd;
    Handler handler;
  };
  void Remove(uint64_t id);

  UniqueFd epoll_;
  uint64_t next_id_ = 1;
  bool running_ = true;
  std::unordered_map<uint64_t, std::shared_ptr<Entry>> entries_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace namegate::enclave
