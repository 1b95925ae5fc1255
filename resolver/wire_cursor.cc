#include "resolver/wire_cursor.h"

#include "common/domain_name.h"
#include "common/network_order.h"
#include "resolver/message_reader.h"

namespace namegate::resolver {
namespace {

constexpr uint8_t kLabelTypeMask = 0xc0;
constexpr uint8_t kPointer = 0xc0;

}  // namespace

bool WireCursor::ReadU8(uint8_t* value) {
  if (left() < 1) return false;
  *value = message_[at_++];
  return true;
}

bool WireCursor::ReadU16(uint16_t* value) {
  if (left() < 2) return false;
  *value = namegate::ReadU16(message_, at_);
  at_ += 2;
  return true;
}

bool WireCursor::ReadU32(uint32_t* value) {
  if (left() < 4) return false;
  *value = namegate::ReadU32(message_, at_);
  at_ += 4;
  return true;
}

bool WireCursor::ReadBytes(size_t count, std::string* bytes) {
  if (left() < count) return false;
  bytes->append(reinterpret_cast<const char*>(message_.data()) + at_, count);
  at_ += count;
  return true;
}

bool WireCursor::Skip(size_t count) {
  if (left() < count) return false;
  at_ += count;
  return true;
}

bool WireCursor::ReadName(Pointers pointers, std::string* wire) {
  const size_t begin = wire->size();
  size_t at = at_;
  size_t part_begin = at_;  // where the labels now being read begin: pointers lead before it
  size_t hops = 0;
  while (true) {
    if (at >= message_.size()) return false;
    const uint8_t length = message_[at];
    if ((length & kLabelTypeMask) == kPointer) {
      if (pointers == Pointers::kRefused || ++hops > kMaxPointerHops) return false;
      if (at + 1 >= message_.size()) return false;
      const size_t target = static_cast<size_t>(length & ~kLabelTypeMask) << 8 | message_[at + 1];
      if (target < kHeaderSize || target >= part_begin) return false;
      // A name that is larger than its message has octets in it that were read as several things.
      // The C library refuses it, so programs would not see what we judged.
      if (wire->size() - begin + 2 * hops >= message_.size()) return false;
      if (hops == 1) at_ = at + 2;
      at = part_begin = target;
      continue;
    }
    if ((length & kLabelTypeMask) != 0) return false;  // RFC 6891 §5: extended labels are no more
    if (at + 1 + length > message_.size()) return false;
    if (wire->size() - begin + 1 + length > DomainName::kMaxWireLength) return false;
    *wire += static_cast<char>(length);
    for (size_t i = at + 1; i <= at + length; ++i) {
      *wire += static_cast<char>(LowerCase(message_[i]));
    }
    at += 1U + length;
    if (length == 0) break;
  }
  if (hops == 0) at_ = at;
  return true;
}

}  // namespace namegate::resolver
