#pragma once

// Every message that leaves is built here from values that were judged; no octet of an upstream's
// message is passed through.

#include <cstdint>
#include <optional>
#include <string>

#include "common/domain_name.h"
#include "resolver/dns.h"
#include "resolver/message_reader.h"

namespace namegate::resolver {

// A response as a value, before it has a transport.
struct Response {
  uint16_t rcode = rcode::kNoError;
  bool truncated = false;
  std::shared_ptr<const AnswerSet> answer;  // null: no answer section
  uint32_t answer_age_s = 0;                // taken off every TTL
  // A synthesised SOA in the authority section, so that stub resolvers cache the denial for this
  // long (RFC 2308 §5); nothing: no SOA.
  std::optional<uint32_t> negative_ttl_s;
  int ede = ede::kNone;
  std::string ede_text;  // UTF-8, for people (RFC 8914 §2)
};

// The octets of a response to `query`, at most `limit` of them: if they would be more, the
// sections are left empty and TC is set; `truncated` tells whether that was so.
struct BuiltResponse {
  std::string bytes;
  bool truncated = false;
};
BuiltResponse BuildResponse(const QueryMessage& query, const Response& response, size_t limit);

// How many octets a response with this answer has at the very least: cheaper than building one that
// is too long.
size_t LeastResponseSize(const QueryMessage& query, const AnswerSet& answer);

// How many octets a client can take: its offer over UDP, within our own limit.
size_t ResponseLimit(const QueryMessage& query, Transport transport);

// A query for an upstream: RD, EDNS with our payload size. `question_wire` is sent as it is, so
// that the case of its letters can carry entropy (draft-vixie-dnsext-dns0x20).
std::string BuildQuery(uint16_t id, std::string_view question_wire);

// The question in wire format with the case of every letter drawn at random.
std::string RandomCaseQuestion(const DomainName& qname, uint16_t qtype);

}  // namespace namegate::resolver
