#pragma once

#include "resolver/network_changes.h"

namespace namegate::resolver {

// Knows whether this host has a route to the IPv6 internet. A program that is given AAAA records
// without one loses 250 ms per connection to an attempt that cannot work (RFC 8305 §5).
class Ipv6Route {
 public:
  Ipv6Route();

  // As the routes and addresses are now.
  bool Available();

 private:
  NetworkChanges changes_;
  bool available_ = false;
};

}  // namespace namegate::resolver
