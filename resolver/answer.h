#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "common/domain_name.h"
#include "common/reason.h"
#include "resolver/ledger_rows.h"
#include "resolver/message_reader.h"

namespace namegate::resolver {

// What is known about a name and type: the outcome of asking the upstreams. Immutable; shared by
// the cache and every query that is answered from it.
struct Answer {
  // kRule if there is an answer; one of the kUpstream… reasons if asking failed.
  Reason outcome = Reason::kUpstreamInvalid;
  uint16_t rcode = 0;
  // The CNAME chain and the records at its end; null where there is neither.
  std::shared_ptr<const AnswerSet> records;
  bool negative = false;  // NXDOMAIN or NODATA: `ttl_s` is that of the denial (RFC 2308)
  uint32_t ttl_s = 0;     // how long it may be served
};

// Limits on how long an answer is believed.
inline constexpr uint32_t kMaxTtl_s = 86'400;  // what an upstream says beyond a day is a mistake
inline constexpr uint32_t kMaxNegativeTtl_s =
    900;  // RFC 2308 §5 asks for a limit of 1 to 3 hours at most
inline constexpr uint32_t kDefaultNegativeTtl_s = 5;  // for a denial without SOA
inline constexpr uint32_t kFailureTtl_s = 2;          // RFC 9520 §3.2: at least 1 second
inline constexpr size_t kMaxChainHops = 10;           // CNAMEs in one answer

// Takes from a response what answers its question and nothing else: qname → CNAME* → RRset, each
// owner the target before it. Everything else in the message is left unread. A loop, two CNAMEs at
// one owner or too long a chain gives the outcome kUpstreamInvalid.
Answer ExtractAnswer(const ResponseMessage& response);

// The answer for a question that no upstream could settle.
Answer FailedAnswer(Reason outcome);

}  // namespace namegate::resolver
