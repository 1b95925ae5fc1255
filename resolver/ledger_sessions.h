#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/domain_name.h"
#include "common/ip_address.h"
#include "common/result.h"

namespace namegate::resolver {

// A session that is open in the ledger, as it was opened.
struct OpenSession {
  int64_t id = 0;
  int64_t opened_us = 0;
  std::string label;
  std::string gate;
  std::string policy;  // Policy::ToText()
  std::string listen;
  std::string client;
  std::string token;
};

// An address in an answer that a session was given.
struct AnsweredAddress {
  int64_t session = 0;
  int64_t query_id = 0;
  DomainName qname;
  IpAddress address;
  int64_t answered_us = 0;
  int64_t ttl_s = 0;  // as the client was given it
};

// The sessions that are open in the ledger at `path`, in the order of their ids.
Result<std::vector<OpenSession>> ReadOpenSessions(const std::string& path);

// What open sessions were answered after `since_us`, the latest first. Bounded: of a flood of
// answers those further back are forgotten, and their names must be asked for again.
Result<std::vector<AnsweredAddress>> ReadAnsweredAddresses(const std::string& path,
                                                           int64_t since_us);

}  // namespace namegate::resolver
