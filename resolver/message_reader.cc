#include "resolver/message_reader.h"

#include <algorithm>

#include "common/network_order.h"
#include "resolver/rdata_reader.h"
#include "resolver/wire_cursor.h"

namespace namegate::resolver {
namespace {

// RFC 1035 §4.1.1.
struct Header {
  uint16_t id = 0;
  uint16_t flags = 0;
  uint16_t qdcount = 0;
  uint16_t ancount = 0;
  uint16_t nscount = 0;
  uint16_t arcount = 0;

  uint8_t opcode() const { return static_cast<uint8_t>(flags >> 11 & 0xf); }
  size_t records() const { return size_t{ancount} + nscount + arcount; }
};

bool ReadHeader(WireCursor& cursor, Header* header) {
  return cursor.ReadU16(&header->id) && cursor.ReadU16(&header->flags) &&
         cursor.ReadU16(&header->qdcount) && cursor.ReadU16(&header->ancount) &&
         cursor.ReadU16(&header->nscount) && cursor.ReadU16(&header->arcount);
}

struct QuestionRead {
  DomainName qname;
  uint16_t qtype = 0;
  uint16_t qclass = 0;
  std::string wire;
};

// The first name of a message has nothing but the header before it to point to, so a pointer in a
// question is always an attack.
bool ReadQuestion(WireCursor& cursor, QuestionRead* question) {
  const size_t begin = cursor.position();
  std::string name;
  if (!cursor.ReadName(WireCursor::Pointers::kRefused, &name)) return false;
  if (!cursor.ReadU16(&question->qtype) || !cursor.ReadU16(&question->qclass)) return false;
  const auto octets = cursor.message().subspan(begin, cursor.position() - begin);
  question->wire.assign(reinterpret_cast<const char*>(octets.data()), octets.size());
  const auto qname = DomainName::FromWire(OctetsOf(name));
  if (!qname) return false;
  question->qname = *qname;
  return true;
}

// What every record begins with (RFC 1035 §4.1.3).
struct RecordHead {
  std::string owner_wire;
  uint16_t type = 0;
  uint16_t rrclass = 0;  // for OPT: the UDP payload size
  uint32_t ttl = 0;      // for OPT: extended RCODE, version, flags
  uint16_t rdlength = 0;
};

bool ReadRecordHead(WireCursor& cursor, RecordHead* head) {
  return cursor.ReadName(WireCursor::Pointers::kAllowed, &head->owner_wire) &&
         cursor.ReadU16(&head->type) && cursor.ReadU16(&head->rrclass) &&
         cursor.ReadU32(&head->ttl) && cursor.ReadU16(&head->rdlength) &&
         cursor.left() >= head->rdlength;
}

// The options of an OPT record (RFC 6891 §6.1.2): none of them matters to us, all must be whole.
bool SkipEdnsOptions(WireCursor& cursor, uint16_t rdlength) {
  const size_t end = cursor.position() + rdlength;
  for (size_t options = 0; cursor.position() < end; ++options) {
    uint16_t code = 0;
    uint16_t length = 0;
    if (options == kMaxEdnsOptions || !cursor.ReadU16(&code) || !cursor.ReadU16(&length)) {
      return false;
    }
    if (cursor.position() + length > end || !cursor.Skip(length)) return false;
  }
  return cursor.position() == end;
}

// Reads a record's head and, if it is an OPT record, the rest of it. OPT belongs to the root.
bool ReadOpt(WireCursor& cursor, const RecordHead& head, std::optional<Edns>* edns) {
  if (*edns || head.owner_wire.size() != 1) return false;
  *edns = Edns{head.rrclass, static_cast<uint8_t>(head.ttl >> 16 & 0xff)};
  return SkipEdnsOptions(cursor, head.rdlength);
}

bool ReadQueryBody(WireCursor& cursor, const Header& header, QueryMessage* message) {
  if (header.qdcount != 1) return false;
  QuestionRead question;
  if (!ReadQuestion(cursor, &question)) return false;
  message->qname = question.qname;
  message->qtype = question.qtype;
  message->qclass = question.qclass;
  message->question_wire = question.wire;
  // A query for data has nothing in its answer and authority sections, and OPT alone behind them.
  if (header.ancount != 0 || header.nscount != 0 || header.arcount > 1) return false;
  if (header.arcount == 1) {
    RecordHead head;
    if (!ReadRecordHead(cursor, &head) || head.type != rrtype::kOpt) return false;
    if (!ReadOpt(cursor, head, &message->edns)) return false;
  }
  return cursor.at_end();
}

// TTLs with the top bit set mean zero (RFC 2181 §8).
uint32_t EffectiveTtl(uint32_t ttl) { return ttl > 0x7fffffff ? 0 : ttl; }

class ResponseReader {
 public:
  ResponseReader(WireCursor& cursor, const Header& header, ResponseMessage* message)
      : cursor_(cursor), header_(header), message_(message) {}

  bool Read() {
    if (header_.records() > kMaxRecords) return false;
    std::vector<Record> additional;
    return ReadSection(header_.ancount, Section::kData, &message_->answers) &&
           ReadSection(header_.nscount, Section::kData, &message_->authorities) &&
           ReadSection(header_.arcount, Section::kAdditional, &additional) && cursor_.at_end();
  }

 private:
  enum class Section { kData, kAdditional };

  bool ReadSection(uint16_t count, Section section, std::vector<Record>* records) {
    for (uint16_t i = 0; i < count; ++i) {
      RecordHead head;
      if (!ReadRecordHead(cursor_, &head)) return false;
      if (head.type == rrtype::kOpt) {
        if (section != Section::kAdditional || !ReadOpt(cursor_, head, &edns_)) return false;
        message_->rcode = static_cast<uint16_t>(message_->rcode | (head.ttl >> 24) << 4);
      } else if (!ReadRecord(head, records)) {
        return false;
      }
    }
    return true;
  }

  bool ReadRecord(const RecordHead& head, std::vector<Record>* records) {
    if (head.rrclass != kClassIn) return false;
    const auto owner = DomainName::FromWire(OctetsOf(head.owner_wire));
    if (!owner) return false;
    Record record{*owner, head.type, EffectiveTtl(head.ttl), {}};
    if (!ReadRdata(cursor_, head.type, head.rdlength, &record.rdata)) return false;
    records->push_back(std::move(record));
    return true;
  }

  WireCursor& cursor_;
  const Header& header_;
  ResponseMessage* message_;
  std::optional<Edns> edns_;
};

}  // namespace

ParsedQuery ParseQuery(std::span<const uint8_t> bytes) {
  ParsedQuery parsed;
  WireCursor cursor(bytes);
  Header header;
  if (!ReadHeader(cursor, &header) || (header.flags & kFlagResponse) != 0) return parsed;
  QueryMessage& message = parsed.message;
  message.id = header.id;
  message.opcode = header.opcode();
  message.recursion_desired = (header.flags & kFlagRecursionDesired) != 0;
  message.checking_disabled = (header.flags & kFlagCheckingDisabled) != 0;
  if (message.opcode != 0) {
    parsed.fault = QueryFault::kNotImplemented;
  } else if (!ReadQueryBody(cursor, header, &message)) {
    parsed.fault = QueryFault::kMalformed;
  } else if (message.edns && message.edns->version != 0) {
    parsed.fault = QueryFault::kBadEdnsVersion;
  } else {
    parsed.fault = QueryFault::kNone;
  }
  return parsed;
}

std::optional<ResponseMessage> ParseResponse(std::span<const uint8_t> bytes) {
  if (bytes.size() > kMaxResponseSize) return std::nullopt;
  WireCursor cursor(bytes);
  Header header;
  if (!ReadHeader(cursor, &header) || (header.flags & kFlagResponse) == 0) return std::nullopt;
  if (header.opcode() != 0 || header.qdcount != 1) return std::nullopt;
  QuestionRead question;
  if (!ReadQuestion(cursor, &question)) return std::nullopt;
  ResponseMessage message;
  message.id = header.id;
  message.truncated = (header.flags & kFlagTruncated) != 0;
  message.rcode = header.flags & 0xf;
  message.qname = question.qname;
  message.qtype = question.qtype;
  message.qclass = question.qclass;
  message.question_wire = question.wire;
  if (message.truncated) return message;
  if (!ResponseReader(cursor, header, &message).Read()) return std::nullopt;
  return message;
}

bool SameQuestion(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return LowerCase(static_cast<uint8_t>(x)) == LowerCase(static_cast<uint8_t>(y));
  });
}

}  // namespace namegate::resolver
