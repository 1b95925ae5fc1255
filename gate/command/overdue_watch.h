#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace namegate::command {

// Ends the process, with a message, if it is in a call that does not come back by itself a second
// after `deadline`.
class OverdueWatch {
 public:
  OverdueWatch(std::chrono::steady_clock::time_point deadline, std::string message);
  OverdueWatch(const OverdueWatch&) = delete;
  OverdueWatch& operator=(const OverdueWatch&) = delete;
  ~OverdueWatch();

  // Around each such call. What else the process waits for may take its time.
  void Enter() { inside_ = true; }
  void Leave() { inside_ = false; }

 private:
  static constexpr std::chrono::seconds kGrace{1};

  void Run();

  const std::chrono::steady_clock::time_point deadline_;
  const std::string message_;
  std::atomic<bool> inside_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;  // guarded by mutex_
  std::thread thread_;   // last: it uses the others
};

}  // namespace namegate::command
