#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "common/ip_address.h"
#include "resolver/session.h"

namespace namegate::resolver {

// The open sessions.
class SessionTable {
 public:
  void Add(std::shared_ptr<Session> session);
  void Remove(int64_t id);

  // Null if no such session is open.
  std::shared_ptr<Session> Find(int64_t id) const;
  // The session whose client prefix holds `client`, the longest prefix if several do; or null.
  std::shared_ptr<Session> FindByClient(const IpAddress& client) const;
  // True if a session has just this prefix: two could not be told apart.
  bool HasClient(const IpPrefix& client) const;

  // In the order of their ids.
  std::vector<std::shared_ptr<Session>> all() const;
  size_t size() const { return sessions_.size(); }

 private:
  std::map<int64_t, std::shared_ptr<Session>> sessions_;
};

}  // namespace namegate::resolver
