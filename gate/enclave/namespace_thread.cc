#include "gate/enclave/namespace_thread.h"

#include <sched.h>

#include <cerrno>
#include <cstring>

namespace namegate::enclave {

NamespaceThread::~NamespaceThread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void NamespaceThread::Start() {
  thread_ = std::thread([this] { Serve(); });
}

Result<void> NamespaceThread::Started() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return trouble_.has_value(); });
  if (*trouble_ == 0) return {};
  return Error{std::string("make the gateway's network namespace: ") + std::strerror(*trouble_) +
               (*trouble_ == ENOSPC ? "; raise the sysctl user.max_net_namespaces" : "")};
}

void NamespaceThread::Run(const std::function<void()>& job) {
  std::unique_lock lock(mutex_);
  job_ = &job;
  changed_.notify_all();
  changed_.wait(lock, [&] { return job_ == nullptr; });
}

void NamespaceThread::Serve() {
  const int trouble = unshare(CLONE_NEWNET) == 0 ? 0 : errno;
  std::unique_lock lock(mutex_);
  trouble_ = trouble;
  changed_.notify_all();
  if (trouble != 0) return;  // what was meant for the gateway must not be done elsewhere
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || job_ != nullptr; });
    if (stopping_) return;
    (*job_)();
    job_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace namegate::enclave
