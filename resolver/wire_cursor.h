#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace namegate::resolver {

// Reads a DNS message front to back. Every read is checked against the end of the message; the
// first that does not fit fails, and nothing is read past it.
class WireCursor {
 public:
  explicit WireCursor(std::span<const uint8_t> message) : message_(message) {}

  size_t position() const { return at_; }
  size_t left() const { return message_.size() - at_; }
  bool at_end() const { return at_ == message_.size(); }
  std::span<const uint8_t> message() const { return message_; }

  bool ReadU8(uint8_t* value);
  bool ReadU16(uint16_t* value);
  bool ReadU32(uint32_t* value);
  bool ReadBytes(size_t count, std::string* bytes);
  bool Skip(size_t count);

  enum class Pointers { kAllowed, kRefused };
  // Reads a name (RFC 1035 §4.1.4) and appends it, uncompressed and lower-cased, to `wire`.
  // Compression pointers must lead strictly backwards from the part they end, at most
  // kMaxPointerHops times.
  bool ReadName(Pointers pointers, std::string* wire);

 private:
  std::span<const uint8_t> message_;
  size_t at_ = 0;
};

}  // namespace namegate::resolver
