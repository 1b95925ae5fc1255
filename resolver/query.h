#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "resolver/ledger_rows.h"
#include "resolver/message_builder.h"
#include "resolver/message_reader.h"
#include "resolver/query_source.h"
#include "resolver/session.h"

namespace namegate::resolver {

// How long a denial may be cached: short, because its reader is about to add a rule and try again.
inline constexpr uint32_t kDenialTtl_s = 5;

// A query on its way from its listener to its response: all that is known of it so far.
struct Query {
  std::chrono::steady_clock::time_point received;
  Endpoint client;
  Transport transport = Transport::kUdp;
  std::weak_ptr<ResponseSink> sink;
  ParsedQuery parsed;
  std::shared_ptr<Session> session;
  std::vector<const Rule*> rules;  // that allow the name and type
  const Rule* wildcard = nullptr;  // whose budget its question costs; null: it costs none
  size_t policy_changes = 0;       // that the session had seen when it was decided
  Response response;
  QueryRow row;  // moved away when it is submitted; its id stays in row_id
  int64_t row_id = 0;
  // Granted when the row is committed.
  struct Grant {
    IpAddress address;
    std::vector<const Rule*> rules;
    std::chrono::seconds term;
  };
  std::vector<Grant> grants;

  const DomainName& qname() const { return *parsed.message.qname; }
  uint16_t qtype() const { return parsed.message.qtype; }
};
using QueryPtr = std::shared_ptr<Query>;

}  // namespace namegate::resolver
