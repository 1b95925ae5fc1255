#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace namegate::testing {

// What a fuzz target promises of every input: a broken promise ends the process, which is how both
// libFuzzer and the replay notice it.
inline void Promise(bool kept, const char* what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

inline std::string_view Text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// True if the text can be shown on a terminal whoever chose it.
inline bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char character) { return character >= ' ' && character <= '~'; });
}

}  // namespace namegate::testing

// Called by libFuzzer, or by the replay, with one input; always returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
