#include "resolver/fresh_allows.h"

namespace namegate::resolver {

void FreshAllows::Add(uint8_t protocol, const Endpoint& to, int64_t pid, int64_t connection,
                      Clock::time_point now) {
  if (allows_.size() >= kMax) allows_.pop_front();
  allows_.push_back({protocol, to, pid, connection, now + kFresh});
}

std::optional<int64_t> FreshAllows::Take(uint8_t protocol, const Endpoint& to, int64_t pid,
                                         Clock::time_point now) {
  while (!allows_.empty() && allows_.front().until < now) allows_.pop_front();
  auto found = allows_.end();
  // From the newest on, so that many that nobody takes up cost little.
  for (auto allow = allows_.end(); allow != allows_.begin();) {
    --allow;
    if (allow->protocol != protocol || allow->to != to) continue;
    found = allow;
    if (allow->pid == pid) break;
  }
  if (found == allows_.end()) return std::nullopt;
  const int64_t connection = found->connection;
  allows_.erase(found);
  return connection;
}

}  // namespace namegate::resolver
