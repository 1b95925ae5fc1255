#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "common/result.h"

namespace namegate::enclave {

// A thread that lives in a network namespace of its own, made when it starts. Sockets opened there
// belong to that namespace for good, whichever thread uses them; that is all it is for.
class NamespaceThread {
 public:
  NamespaceThread() = default;
  NamespaceThread(const NamespaceThread&) = delete;
  NamespaceThread& operator=(const NamespaceThread&) = delete;
  ~NamespaceThread();

  // Begins to make it, and does not wait. The calling process must have CAP_SYS_ADMIN over its user
  // namespace.
  void Start();
  // Waits until it is there. An error is final.
  Result<void> Started();
  // Runs `job` there and returns when it is done. After Started() without an error only.
  void Run(const std::function<void()>& job);

 private:
  void Serve();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<int> trouble_;                  // errno of its making, 0 for none; under mutex_
  const std::function<void()>* job_ = nullptr;  // under mutex_
  bool stopping_ = false;                       // under mutex_
  std::thread thread_;
};

}  // namespace namegate::enclave
