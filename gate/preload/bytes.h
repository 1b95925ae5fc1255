#pragma once

#include <stddef.h>
#include <stdint.h>

namespace namegate::preload {

// Copies out of memory that other threads of the program may be writing to: every byte is read
// exactly once, and what is judged afterwards is the copy.
inline void TakeCopy(void* to, const void* from, size_t size) {
  const volatile unsigned char* source = static_cast<const volatile unsigned char*>(from);
  unsigned char* target = static_cast<unsigned char*>(to);
  for (size_t i = 0; i < size; ++i) target[i] = source[i];
}

// What follows `prefix` in `text`; null if the text does not begin with it.
inline const char* After(const char* text, const char* prefix) {
  while (*prefix != '\0') {
    if (*text++ != *prefix++) return nullptr;
  }
  return text;
}

// FNV-1a, 64 bits. Not against an adversary: it tells one destination from another on stderr.
inline uint64_t Hash(uint64_t seed, const void* bytes, size_t size) {
  const uint8_t* at = static_cast<const uint8_t*>(bytes);
  for (size_t i = 0; i < size; ++i) seed = (seed ^ at[i]) * 0x100000001b3;
  return seed;
}
inline constexpr uint64_t kHashSeed = 0xcbf29ce484222325;

}  // namespace namegate::preload
