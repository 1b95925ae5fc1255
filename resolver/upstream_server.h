#pragma once

#include <cstdint>
#include <string>

#include "common/endpoint.h"

namespace namegate::resolver {

// One upstream resolver and how it has fared.
struct UpstreamServer {
  Endpoint endpoint;
  bool ok = true;  // its last exchange gave an answer
  uint64_t sent = 0;
  uint64_t failed = 0;
  uint64_t wrong_replies =
      0;  // with another ID, question or source than asked: guesses, or a broken peer
};

}  // namespace namegate::resolver
