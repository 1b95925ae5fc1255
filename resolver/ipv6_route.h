#pragma once

#include <chrono>

namespace namegate::resolver {

// Knows whether this host has a route to the IPv6 internet. A program that is given AAAA records
// without one loses 250 ms per connection to an attempt that cannot work (RFC 8305 §5).
class Ipv6Route {
 public:
  bool Available();

 private:
  bool available_ = false;
  std::chrono::steady_clock::time_point checked_{};
};

}  // namespace namegate::resolver
