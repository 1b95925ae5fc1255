#include "resolver/fresh_allows.h"

#include <utility>

namespace namegate::resolver {

void FreshAllow::WhenSettled(Then then) {
  if (settled_) return then(committed_, id_);
  then_ = std::move(then);
}

void FreshAllow::Settle(bool committed, int64_t id) {
  settled_ = true;
  committed_ = committed;
  id_ = id;
  if (const Then then = std::exchange(then_, nullptr)) then(committed, id);
}

void FreshAllows::Add(uint8_t protocol, const Endpoint& to, int64_t pid,
                      std::shared_ptr<FreshAllow> allow, Clock::time_point now) {
  if (entries_.size() >= kMax) entries_.pop_front();
  entries_.push_back({protocol, to, pid, std::move(allow), now + kFresh});
}

std::shared_ptr<FreshAllow> FreshAllows::Take(uint8_t protocol, const Endpoint& to, int64_t pid,
                                              Clock::time_point now) {
  while (!entries_.empty() && entries_.front().until < now) entries_.pop_front();
  auto found = entries_.end();
  // From the newest on, so that many that nobody takes up cost little.
  for (auto entry = entries_.end(); entry != entries_.begin();) {
    --entry;
    if (entry->protocol != protocol || entry->to != to || entry->allow->failed()) continue;
    found = entry;
    if (entry->pid == pid) break;
  }
  if (found == entries_.end()) return nullptr;
  auto allow = std::move(found->allow);
  entries_.erase(found);
  return allow;
}

}  // namespace namegate::resolver
