#include "gate/preload/bytes.h"

// The two functions that compilers call of their own accord. Defined here and hidden, so that this
// library does not depend on a program's own versions of them (those of a sanitizer, say) being
// ready before its constructors ran. `volatile` keeps the loops from being compiled into calls of
// themselves.

extern "C" {

__attribute__((visibility("hidden"))) void* memcpy(void* __restrict to, const void* __restrict from,
                                                   size_t size) noexcept {
  namegate::preload::TakeCopy(to, from, size);
  return to;
}

__attribute__((visibility("hidden"))) void* memset(void* to, int value, size_t size) noexcept {
  volatile unsigned char* at = static_cast<volatile unsigned char*>(to);
  while (size-- > 0) *at++ = static_cast<unsigned char>(value);
  return to;
}

}  // extern "C"
