#include "resolver/rdata_reader.h"

#include "resolver/dns.h"

namespace namegate::resolver {
namespace {

using Pointers = WireCursor::Pointers;

// RFC 1035 §3.3.14: one or more character strings.
bool ReadTxt(WireCursor& cursor, size_t end, std::string* rdata) {
  if (cursor.position() == end) return false;
  while (cursor.position() < end) {
    uint8_t length = 0;
    if (!cursor.ReadU8(&length) || cursor.position() + length > end) return false;
    *rdata += static_cast<char>(length);
    if (!cursor.ReadBytes(length, rdata)) return false;
  }
  return true;
}

// RFC 9460 §2.2: priority, target uncompressed, parameters with strictly growing keys.
bool ReadSvcb(WireCursor& cursor, size_t end, std::string* rdata) {
  if (!cursor.ReadBytes(2, rdata) || !cursor.ReadName(Pointers::kRefused, rdata)) return false;
  int previous_key = -1;
  while (cursor.position() < end) {
    uint16_t key = 0;
    uint16_t length = 0;
    if (!cursor.ReadU16(&key) || !cursor.ReadU16(&length)) return false;
    if (key <= previous_key || cursor.position() + length > end) return false;
    previous_key = key;
    for (const uint16_t value : {key, length}) {
      *rdata += static_cast<char>(value >> 8);
      *rdata += static_cast<char>(value & 0xff);
    }
    if (!cursor.ReadBytes(length, rdata)) return false;
  }
  return true;
}

bool ReadFields(WireCursor& cursor, uint16_t type, size_t end, std::string* rdata) {
  switch (type) {
    case rrtype::kA:
      return cursor.ReadBytes(4, rdata);
    case rrtype::kAaaa:
      return cursor.ReadBytes(16, rdata);
    case rrtype::kNs:
    case rrtype::kCname:
    case rrtype::kPtr:
      return cursor.ReadName(Pointers::kAllowed, rdata);
    case rrtype::kDname:  // RFC 6672 §2.5: never compressed
      return cursor.ReadName(Pointers::kRefused, rdata);
    case rrtype::kMx:
      return cursor.ReadBytes(2, rdata) && cursor.ReadName(Pointers::kAllowed, rdata);
    case rrtype::kSrv:  // RFC 2782 forbids compression, RFC 3597 §4 has receivers take it
      return cursor.ReadBytes(6, rdata) && cursor.ReadName(Pointers::kAllowed, rdata);
    case rrtype::kSoa:
      return cursor.ReadName(Pointers::kAllowed, rdata) &&
             cursor.ReadName(Pointers::kAllowed, rdata) && cursor.ReadBytes(20, rdata);
    case rrtype::kTxt:
      return ReadTxt(cursor, end, rdata);
    case rrtype::kSvcb:
    case rrtype::kHttps:
      return ReadSvcb(cursor, end, rdata);
    default:  // RFC 3597: opaque
      return cursor.ReadBytes(end - cursor.position(), rdata);
  }
}

}  // namespace

bool ReadRdata(WireCursor& cursor, uint16_t type, uint16_t rdlength, std::string* rdata) {
  if (cursor.left() < rdlength) return false;
  const size_t end = cursor.position() + rdlength;
  return ReadFields(cursor, type, end, rdata) && cursor.position() == end;
}

}  // namespace namegate::resolver
