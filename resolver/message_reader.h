#pragma once

// The only code that touches DNS messages as they came from the network. Strict and bounded: a
// message is taken whole as RFC 1035 §4 and RFC 6891 have it, or not at all.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/domain_name.h"
#include "resolver/dns.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// Limits on what is read; beyond them a message is malformed.
inline constexpr size_t kMaxRecords = 256;          // per message, all sections
inline constexpr size_t kMaxEdnsOptions = 16;       // more is padding or an attack
inline constexpr size_t kMaxPointerHops = 16;       // per name; real messages use one or two
inline constexpr size_t kMaxResponseSize = 16'384;  // from upstream over TCP

struct Edns {
  uint16_t udp_payload = 0;  // as offered; values below 512 mean 512 (RFC 6891 §6.2.3)
  uint8_t version = 0;
};

// A query that asks one question.
struct QueryMessage {
  uint16_t id = 0;
  uint8_t opcode = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  std::optional<DomainName> qname;  // nothing until the question could be read
  uint16_t qtype = 0;
  uint16_t qclass = 0;
  std::string question_wire;  // the question as it was sent, its letters' case included
  std::optional<Edns> edns;
};

enum class QueryFault {
  kNone,
  kIgnore,          // too short for a header, or a response: no answer is due
  kMalformed,       // FORMERR
  kNotImplemented,  // an opcode other than QUERY: NOTIMP
  kBadEdnsVersion,  // BADVERS
};

struct ParsedQuery {
  QueryFault fault = QueryFault::kIgnore;
  QueryMessage message;  // filled as far as it could be read
};

// Reads a query from a client. Never fails otherwise than by the fault it returns.
ParsedQuery ParseQuery(std::span<const uint8_t> bytes);

// A response from an upstream. RDATA of the types that hold names is given with these names
// uncompressed and lower-cased.
struct ResponseMessage {
  uint16_t id = 0;
  bool truncated = false;  // TC: nothing behind the question was read
  uint16_t rcode = 0;      // the extended bits of an OPT record included
  DomainName qname;
  uint16_t qtype = 0;
  uint16_t qclass = 0;
  std::string question_wire;  // letters' case as the upstream sent it
  std::vector<Record> answers;
  std::vector<Record> authorities;
};

// Reads a response. Nothing on any deviation: a wrong RDLENGTH for a type, octets left over, names
// that point forwards or too often, two OPT records, a class other than IN, limits exceeded.
std::optional<ResponseMessage> ParseResponse(std::span<const uint8_t> bytes);

// True if two questions in wire format differ at most in the case of their letters.
bool SameQuestion(std::string_view a, std::string_view b);

}  // namespace namegate::resolver
