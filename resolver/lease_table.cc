#include "resolver/lease_table.h"

#include <algorithm>

namespace namegate::resolver {
namespace {

bool EndsFirst(const Lease& a, const Lease& b) { return a.expires < b.expires; }

LeaseTable::Clock::time_point LastEnd(const std::vector<Lease>& leases) {
  return std::max_element(leases.begin(), leases.end(), EndsFirst)->expires;
}

const Rule* RuleFor(const Lease& lease, uint16_t port, Protocol protocol) {
  const auto found = std::find_if(lease.rules.begin(), lease.rules.end(), [&](const Rule* rule) {
    return rule->protocol == protocol && rule->CoversPort(port);
  });
  return found == lease.rules.end() ? nullptr : *found;
}

}  // namespace

void LeaseTable::Grant(const IpAddress& address, Lease lease, Clock::time_point now) {
  auto found = leases_.find(address);
  if (found == leases_.end()) {
    if (leases_.size() >= kMaxAddresses) MakeRoom(now);
    found = leases_.emplace(address, std::vector<Lease>{}).first;
  }
  std::vector<Lease>& leases = found->second;
  const auto same_name = std::find_if(leases.begin(), leases.end(),
                                      [&](const Lease& held) { return held.name == lease.name; });
  if (same_name != leases.end()) {
    lease.expires = std::max(lease.expires, same_name->expires);
    *same_name = std::move(lease);
    return;
  }
  if (leases.size() == kMaxNamesPerAddress) {
    leases.erase(std::min_element(leases.begin(), leases.end(), EndsFirst));
  }
  leases.push_back(std::move(lease));
}

LeaseVerdict LeaseTable::Check(const IpAddress& address, uint16_t port, Protocol protocol,
                               Clock::time_point now, Clock::time_point extended_until) {
  const auto found = leases_.find(address);
  if (found == leases_.end()) return {};
  LeaseVerdict verdict;
  for (Lease& lease : found->second) {
    const Rule* rule = RuleFor(lease, port, protocol);
    const bool live = now < lease.expires;
    if (live && rule != nullptr) {
      lease.expires = std::max(lease.expires, extended_until);
      return {Reason::kLease, &lease, rule};
    }
    // Of several reasons to refuse, the one that the user can do something about is told.
    if (rule != nullptr) {
      verdict = {Reason::kLeaseExpired, &lease, nullptr};
    } else if (live && verdict.reason != Reason::kLeaseExpired) {
      verdict = {Reason::kPortNotAllowed, &lease, nullptr};
    }
  }
  return verdict;
}

std::vector<DomainName> LeaseTable::NamesOf(const IpAddress& address, Clock::time_point now) const {
  std::vector<DomainName> names;
  const auto found = leases_.find(address);
  if (found == leases_.end()) return names;
  for (const Lease& lease : found->second) {
    if (now < lease.expires) names.push_back(lease.name);
  }
  return names;
}

void LeaseTable::Reapply(const RulesOf& rules_of) {
  for (auto& [address, leases] : leases_) {
    for (Lease& lease : leases) lease.rules = rules_of(lease.name, address);
    std::erase_if(leases, [](const Lease& lease) { return lease.rules.empty(); });
  }
  std::erase_if(leases_, [](const auto& entry) { return entry.second.empty(); });
}

void LeaseTable::MakeRoom(Clock::time_point now) {
  std::erase_if(leases_, [&](const auto& entry) { return LastEnd(entry.second) < now; });
  if (leases_.size() < kMaxAddresses) return;
  // Everything is live: give up an eighth, those that end first, so that the search is paid seldom.
  std::vector<Clock::time_point> ends;
  for (const auto& [address, leases] : leases_) ends.push_back(LastEnd(leases));
  const auto cut = ends.begin() + static_cast<std::ptrdiff_t>(ends.size() / 8);
  std::nth_element(ends.begin(), cut, ends.end());
  std::erase_if(leases_, [&](const auto& entry) { return LastEnd(entry.second) <= *cut; });
}

}  // namespace namegate::resolver
