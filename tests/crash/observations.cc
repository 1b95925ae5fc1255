#include "tests/crash/observations.h"

#include <utility>

#include "tests/support/dns_client.h"

namespace namegate::testing {

void Observations::Add(SeenResponse response) {
  const std::lock_guard lock(mutex_);
  responses_.push_back(std::move(response));
  changed_.notify_all();
}

void Observations::Add(SeenVerdict verdict) {
  const std::lock_guard lock(mutex_);
  verdicts_.push_back(std::move(verdict));
  changed_.notify_all();
}

std::vector<SeenResponse> Observations::responses() const {
  const std::lock_guard lock(mutex_);
  return responses_;
}

std::vector<SeenVerdict> Observations::verdicts() const {
  const std::lock_guard lock(mutex_);
  return verdicts_;
}

bool Observations::WaitForMore(size_t more) const {
  std::unique_lock lock(mutex_);
  const size_t enough = responses_.size() + verdicts_.size() + more;
  return changed_.wait_for(lock, kPatience,
                           [&] { return responses_.size() + verdicts_.size() >= enough; });
}

}  // namespace namegate::testing
