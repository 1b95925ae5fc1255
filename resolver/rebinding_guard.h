#pragma once

#include <vector>

#include "common/ip_address.h"
#include "resolver/network_changes.h"

namespace namegate::resolver {

// Tells the addresses that a public name has no business with: what a hostile owner of an allowed
// name could answer to reach something near the client (DNS rebinding). IPv4 inside IPv6 is decoded
// and judged too.
class RebindingGuard {
 public:
  // `more` are ranges that the operator adds, such as the public addresses of his own network.
  explicit RebindingGuard(std::vector<IpPrefix> more = {});

  // Looks at which addresses are this host's own, if they have changed. To be called before an
  // answer is judged.
  void FollowHost();

  // True if an answer with this address must be dropped.
  bool IsSuspect(const IpAddress& address) const;

 private:
  std::vector<IpPrefix> more_;
  NetworkChanges changes_;
  bool outdated_ = false;
  std::vector<IpAddress> host_addresses_;
};

}  // namespace namegate::resolver
