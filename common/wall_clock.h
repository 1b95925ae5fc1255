#pragma once

#include <chrono>
#include <cstdint>

namespace namegate {

// Microseconds since 1970 (UTC), as the ledger has them.
inline int64_t NowMicroseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace namegate
