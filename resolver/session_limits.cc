#include "resolver/session_limits.h"

#include <algorithm>

namespace namegate::resolver {

bool QueryRate::Take(const SessionLimits& limits, Clock::time_point now) {
  if (limits.queries_per_s == 0) return true;
  const double capacity = limits.queries_per_s;
  if (filled_ == Clock::time_point{}) {
    tokens_ = capacity;
  } else {
    const std::chrono::duration<double> passed = now - filled_;
    tokens_ = std::min(capacity, tokens_ + passed.count() * capacity);
  }
  filled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

bool TunnelBudget::Spend(const Rule& rule, const DomainName& name, const SessionLimits& limits,
                         Clock::time_point now) {
  Spent& spent = spent_[&rule];
  if (spent.names.empty() || now - spent.since >= kWindow) spent = {now, {}, 0};
  if (spent.names.contains(name)) return true;
  const size_t octets = name.wire().size() - rule.name.wire().size();
  if (spent.names.size() >= limits.wildcard_names ||
      spent.octets + octets > limits.wildcard_octets) {
    return false;
  }
  spent.names.insert(name);
  spent.octets += octets;
  return true;
}

}  // namespace namegate::resolver
