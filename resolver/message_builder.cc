#include "resolver/message_builder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/network_order.h"
#include "common/random.h"
#include "resolver/rdata_reader.h"

namespace namegate::resolver {
namespace {

constexpr uint16_t kEdeOption = 15;
constexpr size_t kMaxPointerOffset = 0x3fff;
// An explanation, not an essay: with the longest name it still fits beside a denial's SOA.
constexpr size_t kMaxEdeText = 400;
constexpr size_t kEdeWithoutText = 8;  // RDLENGTH, option code and length, INFO-CODE

class Writer {
 public:
  void U8(unsigned value) { bytes_ += static_cast<char>(value); }
  void U16(size_t value) { AppendU16(bytes_, static_cast<uint16_t>(value)); }
  void U32(uint32_t value) { AppendU32(bytes_, value); }
  void Bytes(std::string_view bytes) { bytes_ += bytes; }
  void SetU16(size_t at, size_t value) {
    WriteU16(OctetsOf(bytes_), at, static_cast<uint16_t>(value));
  }
  size_t size() const { return bytes_.size(); }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class ResponseWriter {
 public:
  ResponseWriter(const QueryMessage& query, const Response& response, size_t limit)
      : query_(query), response_(response), limit_(limit) {}

  std::string WriteWhole() {
    Header(response_.truncated);
    const size_t answers = response_.answer ? response_.answer->size() : 0;
    if (response_.answer) {
      for (const Record& record : *response_.answer) Answer(record);
    }
    if (response_.negative_ttl_s && query_.qname) Soa(*response_.negative_ttl_s);
    Opt();
    writer_.SetU16(6, answers);
    return writer_.Take();
  }

  // Without its sections: what is said is only "ask over TCP".
  std::string WriteTruncated() {
    Header(true);
    Opt();
    return writer_.Take();
  }

 private:
  void Header(bool truncated) {
    writer_.U16(query_.id);
    writer_.U16(kFlagResponse | static_cast<unsigned>(query_.opcode << 11) |
                (truncated ? kFlagTruncated : 0U) |
                (query_.recursion_desired ? kFlagRecursionDesired : 0U) | kFlagRecursionAvailable |
                (query_.checking_disabled ? kFlagCheckingDisabled : 0U) | (response_.rcode & 0xfU));
    writer_.U16(query_.question_wire.empty() ? 0 : 1);
    writer_.U16(0);  // ANCOUNT, NSCOUNT and ARCOUNT are set when the sections are there
    writer_.U16(0);
    writer_.U16(0);
    if (query_.qname) names_.emplace_back(*query_.qname, writer_.size());
    writer_.Bytes(query_.question_wire);
  }

  // Whole names only: in a chain every owner is the question's name or an earlier target, so
  // looking for shared endings would cost more than it saves.
  void Name(const DomainName& name) {
    for (const auto& [known, offset] : names_) {
      if (known != name) continue;
      writer_.U16(0xc000U | offset);
      return;
    }
    if (writer_.size() <= kMaxPointerOffset) names_.emplace_back(name, writer_.size());
    writer_.Bytes(name.wire());
  }

  void Answer(const Record& record) {
    Name(record.owner);
    writer_.U16(record.type);
    writer_.U16(kClassIn);
    writer_.U32(record.ttl_s - std::min(record.ttl_s, response_.answer_age_s));
    const size_t length_at = writer_.size();
    writer_.U16(0);
    if (const auto target = CnameTarget(record)) {
      Name(*target);
    } else {
      writer_.Bytes(record.rdata);
    }
    writer_.SetU16(length_at, writer_.size() - length_at - 2);
  }

  // The SOA belongs to the parent of the name that was asked, which stands in the question already.
  void Soa(uint32_t ttl_s) {
    static const DomainName kMname = DomainName::FromText("namegate.invalid").value();
    static const DomainName kRname = DomainName::FromText("nobody.invalid").value();
    const size_t first_label = query_.qname->first_label().size();
    if (query_.qname->is_root()) {
      writer_.U8(0);
    } else {
      writer_.U16(0xc000U | (kHeaderSize + 1 + first_label));
    }
    writer_.U16(rrtype::kSoa);
    writer_.U16(kClassIn);
    writer_.U32(ttl_s);
    const size_t length_at = writer_.size();
    writer_.U16(0);
    writer_.Bytes(kMname.wire());
    writer_.Bytes(kRname.wire());
    writer_.U32(1);     // SERIAL
    writer_.U32(3600);  // REFRESH, RETRY and EXPIRE mean nothing: there are no secondaries
    writer_.U32(600);
    writer_.U32(86'400);
    writer_.U32(ttl_s);  // MINIMUM: how long the denial may be cached
    writer_.SetU16(length_at, writer_.size() - length_at - 2);
    writer_.SetU16(8, 1);
  }

  // Only to those who sent one (RFC 6891 §7). Of the explanation as much as there is room for.
  void Opt() {
    if (!query_.edns) return;
    writer_.U8(0);
    writer_.U16(rrtype::kOpt);
    writer_.U16(kUdpPayload);
    writer_.U8(response_.rcode >> 4U & 0xffU);
    writer_.U8(0);   // version
    writer_.U16(0);  // flags
    const size_t used = writer_.size() + kEdeWithoutText;
    const size_t room = limit_ > used ? limit_ - used : 0;
    const auto text = std::string_view(response_.ede_text).substr(0, std::min(room, kMaxEdeText));
    writer_.U16(response_.ede == ede::kNone ? 0 : 6 + text.size());
    if (response_.ede != ede::kNone) {
      writer_.U16(kEdeOption);
      writer_.U16(2 + text.size());
      writer_.U16(static_cast<unsigned>(response_.ede));
      writer_.Bytes(text);
    }
    writer_.SetU16(10, 1);
  }

  const QueryMessage& query_;
  const Response& response_;
  size_t limit_;
  Writer writer_;
  std::vector<std::pair<DomainName, size_t>> names_;
};

}  // namespace

BuiltResponse BuildResponse(const QueryMessage& query, const Response& response, size_t limit) {
  BuiltResponse built{ResponseWriter(query, response, limit).WriteWhole(), response.truncated};
  if (built.bytes.size() > limit) {
    built = {ResponseWriter(query, response, limit).WriteTruncated(), true};
  }
  return built;
}

size_t LeastResponseSize(const QueryMessage& query, const AnswerSet& answer) {
  constexpr size_t kPointer = 2;
  constexpr size_t kFixed = 10;  // type, class, TTL, RDLENGTH
  size_t size = kHeaderSize + query.question_wire.size();
  for (const Record& record : answer) {
    size += kPointer + kFixed + (record.type == rrtype::kCname ? kPointer : record.rdata.size());
  }
  return size;
}

size_t ResponseLimit(const QueryMessage& query, Transport transport) {
  if (transport == Transport::kTcp) return 65'535;
  if (!query.edns) return kPlainUdpPayload;
  return std::clamp<size_t>(query.edns->udp_payload, kPlainUdpPayload, kUdpPayload);
}

std::string BuildQuery(uint16_t id, std::string_view question_wire) {
  Writer writer;
  writer.U16(id);
  writer.U16(kFlagRecursionDesired);
  writer.U16(1);
  writer.U16(0);
  writer.U16(0);
  writer.U16(1);
  writer.Bytes(question_wire);
  writer.U8(0);
  writer.U16(rrtype::kOpt);
  writer.U16(kUdpPayload);
  writer.U32(0);
  writer.U16(0);
  return writer.Take();
}

std::string RandomCaseQuestion(const DomainName& qname, uint16_t qtype) {
  Writer writer;
  writer.Bytes(qname.wire());
  writer.U16(qtype);
  writer.U16(kClassIn);
  std::string question = writer.Take();
  uint32_t bits = 0;
  for (size_t at = 0; at < qname.wire().size(); ++at) {
    if (at % 32 == 0) bits = RandomU32();
    // A length octet is at most 63, below the letters, so it can be left to this test as well.
    const bool letter = question[at] >= 'a' && question[at] <= 'z';
    if (letter && (bits >> (at % 32) & 1) != 0) {
      question[at] = static_cast<char>(question[at] - 'a' + 'A');
    }
  }
  return question;
}

}  // namespace namegate::resolver
