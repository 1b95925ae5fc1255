#pragma once

#include <stdint.h>

namespace namegate::preload {

// A set of hashes that forgets. Lock-free, and of a fixed size; for static storage.
class HashSet {
 public:
  // True if it was not there.
  bool Add(uint64_t hash) {
    const uint64_t key = hash | 1;  // never zero
    for (uint64_t i = 0; i < kProbes; ++i) {
      uint64_t held;
      if (Claim(slots_[((key >> 8) + i) % kSlots], key, held)) return true;
      if (held == key) return false;
    }
    __atomic_store_n(&slots_[(key >> 8) % kSlots], key, __ATOMIC_RELAXED);
    return true;
  }

  bool Has(uint64_t hash) const {
    const uint64_t key = hash | 1;
    for (uint64_t i = 0; i < kProbes; ++i) {
      if (__atomic_load_n(&slots_[((key >> 8) + i) % kSlots], __ATOMIC_RELAXED) == key) return true;
    }
    return false;
  }

 private:
  // A power of two; 4 KiB, a fraction of what a person would read.
  static constexpr uint64_t kSlots = 512;
  // How far from its own slot an entry may lie.
  static constexpr uint64_t kProbes = 8;

  // True if the slot was free and holds `key` now; `held` is what it holds else.
  static bool Claim(uint64_t& slot, uint64_t key, uint64_t& held) {
    held = 0;
    return __atomic_compare_exchange_n(&slot, &held, key, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
  }

  uint64_t slots_[kSlots];  // zero: free
};

}  // namespace namegate::preload
