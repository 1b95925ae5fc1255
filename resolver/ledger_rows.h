#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/domain_name.h"
#include "common/ending.h"
#include "common/endpoint.h"
#include "common/ip_address.h"
#include "common/reason.h"

namespace namegate::resolver {

// One resource record as it was given to a client (RFC 1035 §3.2.1); class IN.
struct Record {
  DomainName owner;
  uint16_t type = 0;
  uint32_t ttl_s = 0;
  std::string rdata;  // wire format, names inside uncompressed and lower-cased

  friend bool operator==(const Record&, const Record&) = default;
};

// The answer section of a response, in order, with the TTLs it had when it was fetched. Immutable
// and shared by the cache, the responses and the ledger rows that refer to it.
using AnswerSet = std::vector<Record>;

enum class Transport : uint8_t { kUdp = 0, kTcp = 1 };

// Where a response came from.
enum class Source : uint8_t { kLocal = 0, kCache = 1, kUpstream = 2, kCoalesced = 3 };

// One row per query. Times are microseconds since 1970 (UTC).
struct QueryRow {
  int64_t id = 0;  // from LedgerWriter::NextQueryId()
  int64_t time_us = 0;
  int64_t session = 0;  // 0: no session was recognised
  Endpoint client;
  Transport transport = Transport::kUdp;
  std::optional<DomainName> qname;  // nothing if the question could not be read
  uint16_t qtype = 0;
  uint16_t qclass = 0;
  Verdict verdict = Verdict::kDeny;
  Reason reason = Reason::kMalformed;
  std::string rule;  // canonical text of the rule that decided; empty if none did
  uint16_t rcode = 0;
  int ede = -1;  // RFC 8914 INFO-CODE; -1: none
  Source source = Source::kLocal;
  int64_t duration_us = 0;                  // from receiving the query to handing the row over
  std::shared_ptr<const AnswerSet> answer;  // null: the client got no record
  uint32_t answer_age_s = 0;                // the client's TTLs are those of the set less this age
  uint64_t count = 1;  // queries that this row stands for; several past a session's limits
  std::string detail;  // for `rebinding`: the address that did it; else empty
};

// One row per connection attempt, or unconnected datagram, that a gate asked about.
struct ConnectionRow {
  int64_t id = 0;  // from LedgerWriter::NextConnectionId()
  int64_t time_us = 0;
  int64_t session = 0;
  std::string gate;  // "preload", "enclave"
  int64_t pid = 0;
  std::string process;   // the program's name (/proc/PID/comm); chosen by the program
  uint8_t protocol = 0;  // IANA protocol number
  std::optional<Endpoint> destination;  // nothing where the gate refused without one
  Verdict verdict = Verdict::kDeny;
  Reason reason = Reason::kBadGateMessage;
  std::string rule;
  std::optional<DomainName> name;  // the name that the address was answered for
  int64_t query_id = 0;            // the query whose answer admitted it (or last held it); 0: none
  uint64_t count = 1;  // attempts that this row stands for; several past a session's limits
};

struct SessionOpenedRow {
  int64_t session = 0;  // from LedgerWriter::NextSessionId()
  int64_t time_us = 0;
  std::string label;
  std::string gate;    // "preload", "enclave", "none" (by hand)
  std::string policy;  // Policy::ToText()
  std::string listen;  // the address of its name server, "127.64.0.1:53"
  std::string
      client;  // the client prefix that is this session; empty if it has an address of its own
  std::string token;                      // of its gate socket
  bool owned = false;                     // ends with the connection that opened it
  std::vector<std::string> exposed = {};  // sockets of the host that an enclave's command sees
};

// A connection that an enclave carried has ended.
struct ConnectionEndedRow {
  struct Bytes {
    uint64_t out = 0;
    uint64_t in = 0;
  };

  int64_t connection = 0;
  int64_t time_us = 0;
  std::optional<Bytes> bytes = {};  // nothing: not known
  Ending how = Ending::kUnknown;
};

struct SessionClosedRow {
  int64_t session = 0;
  int64_t time_us = 0;
  std::string why;  // "closed", "owner-gone", "daemon-stopped", "not-restored"
  // What was open in it: the endings are committed with it, or not at all.
  std::vector<ConnectionEndedRow> connections = {};
};

// From then on a session has this policy.
struct PolicyChangedRow {
  int64_t session = 0;
  int64_t time_us = 0;
  std::string policy;  // Policy::ToText()
};

// Something that happened to the ledger itself or to the daemon.
struct NoticeRow {
  int64_t time_us = 0;
  std::string kind;  // a word: "begun", "set-aside"
  std::string text;  // a sentence for a person
};

using LedgerRow = std::variant<QueryRow, ConnectionRow, ConnectionEndedRow, SessionOpenedRow,
                               PolicyChangedRow, SessionClosedRow, NoticeRow>;

}  // namespace namegate::resolver
