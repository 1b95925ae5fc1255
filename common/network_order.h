#pragma once

// Integers as the protocols of the internet have them: the most significant octet first.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace namegate {

// The octets at `at` must be there: these check nothing.
constexpr uint16_t ReadU16(std::span<const uint8_t> octets, size_t at) {
  return static_cast<uint16_t>(octets[at] << 8 | octets[at + 1]);
}

constexpr uint32_t ReadU32(std::span<const uint8_t> octets, size_t at) {
  return static_cast<uint32_t>(ReadU16(octets, at)) << 16 | ReadU16(octets, at + 2);
}

constexpr void WriteU16(std::span<uint8_t> octets, size_t at, uint16_t value) {
  octets[at] = static_cast<uint8_t>(value >> 8);
  octets[at + 1] = static_cast<uint8_t>(value & 0xff);
}

constexpr void WriteU32(std::span<uint8_t> octets, size_t at, uint32_t value) {
  WriteU16(octets, at, static_cast<uint16_t>(value >> 16));
  WriteU16(octets, at + 2, static_cast<uint16_t>(value & 0xffff));
}

// The octets of a string, to be read or written as above.
inline std::span<const uint8_t> OctetsOf(std::string_view bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

inline std::span<uint8_t> OctetsOf(std::string& bytes) {
  return {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()};
}

inline void AppendU16(std::string& bytes, uint16_t value) {
  bytes.resize(bytes.size() + 2);
  WriteU16(OctetsOf(bytes), bytes.size() - 2, value);
}

inline void AppendU32(std::string& bytes, uint32_t value) {
  bytes.resize(bytes.size() + 4);
  WriteU32(OctetsOf(bytes), bytes.size() - 4, value);
}

inline void AppendU64(std::string& bytes, uint64_t value) {
  AppendU32(bytes, static_cast<uint32_t>(value >> 32));
  AppendU32(bytes, static_cast<uint32_t>(value & 0xffff'ffff));
}

}  // namespace namegate
