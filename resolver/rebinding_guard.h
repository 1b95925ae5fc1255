#pragma once

#include <chrono>
#include <vector>

#include "common/ip_address.h"

namespace namegate::resolver {

// Tells the addresses that a public name has no business with: what a hostile owner of an allowed
// name could answer to reach something near the client (DNS rebinding). IPv4 inside IPv6 is decoded
// and judged too.
class RebindingGuard {
 public:
  // `more` are ranges that the operator adds, such as the public addresses of his own network.
  explicit RebindingGuard(std::vector<IpPrefix> more = {}) : more_(std::move(more)) {}

  // True if an answer with this address must be dropped.
  bool IsSuspect(const IpAddress& address);

 private:
  void RefreshHostAddresses();

  std::vector<IpPrefix> more_;
  std::vector<IpAddress> host_addresses_;
  std::chrono::steady_clock::time_point refreshed_{};
};

}  // namespace namegate::resolver
