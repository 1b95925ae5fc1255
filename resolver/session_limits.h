#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "common/domain_name.h"
#include "common/rule.h"

namespace namegate::resolver {

// How much one session may ask.
struct SessionLimits {
  // Queries a second, over some time; a second's worth may come at once. Far beyond what programs
  // ask, far below what would keep the daemon from serving the others. 0: no limit.
  uint32_t queries_per_s = 20'000;
  // What may be asked below one wildcard in an hour. Whoever owns the domain behind the wildcard
  // reads the names that are asked below it, so these bound what a program can tell him.
  size_t wildcard_names = 256;
  size_t wildcard_octets = 16'384;
};

// A token bucket over queries.
class QueryRate {
 public:
  using Clock = std::chrono::steady_clock;

  // True if one more query may be served at `now`.
  bool Take(const SessionLimits& limits, Clock::time_point now);

 private:
  double tokens_ = 0;
  Clock::time_point filled_{};
};

// What was asked below each wildcard within the hour.
class TunnelBudget {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours kWindow{1};

  // True if `name`, which the wildcard `rule` allows, may be asked at `now`: it was asked before
  // within the hour, or there is budget for one more name. `rule` must outlive the budget.
  bool Spend(const Rule& rule, const DomainName& name, const SessionLimits& limits,
             Clock::time_point now);

 private:
  struct Spent {
    Clock::time_point since;
    std::unordered_set<DomainName> names;
    size_t octets = 0;  // of the labels in front of the wildcard's domain
  };
  std::unordered_map<const Rule*, Spent> spent_;
};

}  // namespace namegate::resolver
