#include "common/random.h"

#include <sys/random.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace namegate {
namespace {

// Fetched in blocks: a system call per query ID would cost more than the rest of the query.
class RandomPool {
 public:
  uint8_t Next() {
    if (used_ == pool_.size()) Refill();
    return std::exchange(pool_[used_++], uint8_t{0});
  }

 private:
  void Refill() {
    // Requests of up to 256 bytes are not interrupted by signals (getrandom(2)).
    if (getrandom(pool_.data(), pool_.size(), 0) != static_cast<ssize_t>(pool_.size())) {
      std::abort();
    }
    used_ = 0;
  }

  std::array<uint8_t, 256> pool_{};
  size_t used_ = pool_.size();
};

uint8_t RandomByte() {
  thread_local RandomPool pool;
  return pool.Next();
}

}  // namespace

uint32_t RandomU32() {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | RandomByte();
  return value;
}

std::string RandomHex(size_t bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (size_t i = 0; i < bytes; ++i) {
    const uint8_t byte = RandomByte();
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace namegate
