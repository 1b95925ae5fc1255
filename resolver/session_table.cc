#include "resolver/session_table.h"

#include <algorithm>

namespace namegate::resolver {

void SessionTable::Add(std::shared_ptr<Session> session) {
  const int64_t id = session->id;
  sessions_.emplace(id, std::move(session));
}

void SessionTable::Remove(int64_t id) { sessions_.erase(id); }

std::shared_ptr<Session> SessionTable::Find(int64_t id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

std::shared_ptr<Session> SessionTable::FindByClient(const IpAddress& client) const {
  std::shared_ptr<Session> best;
  for (const auto& [id, session] : sessions_) {
    if (!session->client || !session->client->Contains(client)) continue;
    if (!best || session->client->length() > best->client->length()) best = session;
  }
  return best;
}

bool SessionTable::HasClient(const IpPrefix& client) const {
  return std::any_of(sessions_.begin(), sessions_.end(),
                     [&](const auto& entry) { return entry.second->client == client; });
}

std::vector<std::shared_ptr<Session>> SessionTable::all() const {
  std::vector<std::shared_ptr<Session>> all;
  for (const auto& [id, session] : sessions_) all.push_back(session);
  return all;
}

}  // namespace namegate::resolver
