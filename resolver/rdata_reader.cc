#include "resolver/rdata_reader.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/network_order.h"
#include "common/record_type.h"
#include "resolver/dns.h"

namespace namegate::resolver {
namespace {

using Pointers = WireCursor::Pointers;

// A character string (RFC 1035 §3.3).
bool ReadString(WireCursor& cursor, std::string* rdata) {
  uint8_t length = 0;
  if (!cursor.ReadU8(&length)) return false;
  *rdata += static_cast<char>(length);
  return cursor.ReadBytes(length, rdata);
}

// RFC 1035 §3.3.14: one or more character strings.
bool ReadTxt(WireCursor& cursor, size_t end, std::string* rdata) {
  if (cursor.position() == end) return false;
  while (cursor.position() < end) {
    if (!ReadString(cursor, rdata)) return false;
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
    AppendU16(*rdata, key);
    AppendU16(*rdata, length);
    if (!cursor.ReadBytes(length, rdata)) return false;
  }
  return true;
}

// Types that are opaque to us but for their form. Names in them may come compressed: left as they
// are, the pointers would lead into a message that the client never sees (RFC 3597 §4). And what
// would be left over of RDATA of these, ldns takes for the next record.
struct Layout {
  uint16_t type;
  std::string_view
      fields;  // a digit: so many octets; n: a name; s: a character string; *: the rest
};
constexpr auto kLayouts = std::to_array<Layout>({
    {3, "n"},       // MD
    {4, "n"},       // MF
    {7, "n"},       // MB
    {8, "n"},       // MG
    {9, "n"},       // MR
    {13, "ss"},     // HINFO
    {14, "nn"},     // MINFO
    {17, "nn"},     // RP
    {18, "2n"},     // AFSDB
    {19, "s"},      // X25
    {20, "ss"},     // ISDN
    {21, "2n"},     // RT
    {23, "n"},      // NSAP-PTR
    {24, "99n*"},   // SIG
    {26, "2nn"},    // PX
    {27, "sss"},    // GPOS
    {30, "n*"},     // NXT
    {35, "4sssn"},  // NAPTR (RFC 3403 forbids compression, RFC 3597 has receivers take it)
    {36, "2n"},     // KX
    {40, "1"},      // SINK, as ldns has it
    {46, "99n*"},   // RRSIG
    {47, "n*"},     // NSEC
    {51, "4s"},     // NSEC3PARAM
    {58, "nn"},     // TALINK
    {104, "55"},    // NID
    {105, "6"},     // L32
    {106, "55"},    // L64
    {107, "2n"},    // LP
    {108, "6"},     // EUI48
    {109, "8"},     // EUI64
});

bool ReadLayout(WireCursor& cursor, std::string_view fields, size_t end, std::string* rdata) {
  return std::all_of(fields.begin(), fields.end(), [&](char field) {
    if (field == 'n') return cursor.ReadName(Pointers::kAllowed, rdata);
    if (field == 's') return ReadString(cursor, rdata);
    if (cursor.position() > end) return false;
    if (field == '*') return cursor.ReadBytes(end - cursor.position(), rdata);
    return cursor.ReadBytes(static_cast<size_t>(field - '0'), rdata);
  });
}

// RFC 3597: what is not known is opaque. Meta types are no types of records; HIP's names stand
// where its own lengths say, which every reader would have to believe.
bool ReadOther(WireCursor& cursor, uint16_t type, size_t end, std::string* rdata) {
  constexpr uint16_t kHip = 55;
  if (IsMetaType(type) || type == kHip) return false;
  for (const Layout& known : kLayouts) {
    if (known.type == type) return ReadLayout(cursor, known.fields, end, rdata);
  }
  return cursor.ReadBytes(end - cursor.position(), rdata);
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
    default:
      return ReadOther(cursor, type, end, rdata);
  }
}

}  // namespace

bool ReadRdata(WireCursor& cursor, uint16_t type, uint16_t rdlength, std::string* rdata) {
  if (cursor.left() < rdlength) return false;
  const size_t end = cursor.position() + rdlength;
  return ReadFields(cursor, type, end, rdata) && cursor.position() == end;
}

std::optional<DomainName> CnameTarget(const Record& record) {
  if (record.type != rrtype::kCname) return std::nullopt;
  return DomainName::FromWire(OctetsOf(record.rdata));
}

std::optional<IpAddress> AddressIn(const Record& record) {
  if (!IsAddressType(record.type)) return std::nullopt;
  return IpAddress(OctetsOf(record.rdata));
}

}  // namespace namegate::resolver
