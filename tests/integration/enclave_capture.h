#pragma once

#include <set>
#include <string>

#include "common/unique_fd.h"

namespace namegate::testing {

// What crosses the little internet from its construction on: every packet of the test's network
// namespace, which is outside the gateway, whoever sends it.
class Capture {
 public:
  Capture();
  // The hosts, loopback aside, that a packet was for.
  std::set<std::string> Seen();

 private:
  UniqueFd socket_;
  std::set<std::string> seen_;
};

}  // namespace namegate::testing
