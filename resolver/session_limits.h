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
  // Of the labels in front of the wildcard's domain, and one for each question that leaves.
  size_t wildcard_octets = 16'384;
};

// A token bucket.
class Rate {
 public:
  using Clock = std::chrono::steady_clock;

  // True if one more is within `per_s` a second at `now`; a second's worth may come at once. 0: no
  // limit.
  bool Take(uint32_t per_s, Clock::time_point now);
  // One that was taken turned out to be as much work as so many `more`: the next ones wait for it,
  // for a second at most.
  void Charge(uint32_t per_s, size_t more);

 private:
  double tokens_ = 0;
  Clock::time_point filled_{};
};

// What was asked below each wildcard's domain within the hour. A name costs its octets once; then
// each question that leaves the host costs one octet more, since the order of questions, too, tells
// the owner of the domain something: which of the names it is.
class TunnelBudget {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours kWindow{1};

  // True if `name`, which the wildcard `rule` allows, may be asked at `now`: it was asked before
  // within the hour, or there is budget for one more name.
  bool Spend(const Rule& rule, const DomainName& name, const SessionLimits& limits,
             Clock::time_point now);

  // True if one more question below the wildcard, which Spend() has let through, may leave.
  bool HasOctets(const Rule& rule, const SessionLimits& limits) const;
  // It left.
  void SpendQuestion(const Rule& rule);

 private:
  struct Spent {
    Clock::time_point since;
    std::unordered_set<DomainName> names;
    size_t octets = 0;  // of the labels in front of the wildcard's domain
  };
  // By the wildcards' domains: it is their owner who reads, through whichever rule, and under
  // whichever policy of the session.
  std::unordered_map<DomainName, Spent> spent_;
};

}  // namespace namegate::resolver
