#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
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

  // The calling process must have CAP_SYS_ADMIN over its user namespace.
  Result<void> Start();
  // Runs `job` there and returns when it is done.
  void Run(const std::function<void()>& job);

 private:
  void Serve();

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* job_ = nullptr;  // under mutex_
  bool stopping_ = false;                       // under mutex_
  std::thread thread_;
};

}  // namespace namegate::enclave
