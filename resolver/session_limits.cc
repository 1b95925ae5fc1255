#include "resolver/session_limits.h"

#include <algorithm>

namespace namegate::resolver {

bool Rate::Take(uint32_t per_s, Clock::time_point now) {
  if (per_s == 0) return true;
  const double capacity = per_s;
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

void Rate::Charge(uint32_t per_s, size_t more) {
  tokens_ = std::max(tokens_ - static_cast<double>(more), -static_cast<double>(per_s));
}

bool TunnelBudget::Spend(const Rule& rule, const DomainName& name, const SessionLimits& limits,
                         Clock::time_point now) {
  Spent& spent = spent_[rule.name];
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

bool TunnelBudget::HasOctets(const Rule& rule, const SessionLimits& limits) const {
  const auto spent = spent_.find(rule.name);
  return spent != spent_.end() && spent->second.octets < limits.wildcard_octets;
}

void TunnelBudget::SpendQuestion(const Rule& rule) { ++spent_[rule.name].octets; }

}  // namespace namegate::resolver
