#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace namegate::testing {

// Messages in tests are written as string literals, a field a line: "\x12\x34"s "\x01\x00"s …
inline std::span<const uint8_t> AsOctets(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace namegate::testing
