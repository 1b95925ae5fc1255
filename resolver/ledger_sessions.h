#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/domain_name.h"
#include "common/endpoint.h"
#include "common/ip_address.h"
#include "common/result.h"

namespace namegate::resolver {

// A session that is open in the ledger, as it was opened.
struct OpenSession {
  int64_t id = 0;
  int64_t opened_us = 0;
  std::string label;
  std::string gate;
  std::string policy;  // Policy::ToText(), as it was changed last
  std::string listen;
  std::string client;
  std::string token;
  bool owned = false;
  std::vector<std::string> exposed;
};

// A connection that an enclave was carrying, as far as the ledger knows.
struct OpenConnection {
  int64_t session = 0;
  int64_t connection = 0;
  Protocol protocol = Protocol::kTcp;
  Endpoint to;
  std::optional<DomainName> name;
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

// A connection that a session was allowed by a lease, which that extended.
struct UsedLease {
  int64_t session = 0;
  int64_t query_id = 0;
  DomainName name;
  IpAddress address;
  int64_t used_us = 0;
};

// The sessions that are open in the ledger at `path`, in the order of their ids.
Result<std::vector<OpenSession>> ReadOpenSessions(const std::string& path);

// Each session's own connections are looked up, rather than all connections: CROSS JOIN keeps
// SQLite to that order.
inline constexpr char kOpenConnectionsSql[] =
    "SELECT c.session_id, c.connection_id, c.protocol, a.text, c.port, n.text"
    " FROM session AS s JOIN gate AS g ON g.gate_id = s.gate_id"
    " CROSS JOIN connection AS c ON c.session_id = s.session_id"
    " JOIN address AS a ON a.address_id = c.address_id"
    " LEFT JOIN name AS n ON n.name_id = c.name_id"
    " WHERE g.text = 'enclave' AND c.verdict = 1"
    " AND s.session_id NOT IN (SELECT session_id FROM session_closing)"
    " AND c.connection_id NOT IN (SELECT connection_id FROM connection_ending)"
    " ORDER BY c.connection_id";

// What the enclaves of sessions that are open were let through to and has not ended.
Result<std::vector<OpenConnection>> ReadOpenConnections(const std::string& path);

// What open sessions were answered after `since_us`, the latest first. Bounded: of a flood of
// answers those further back are forgotten, and their names must be asked for again.
Result<std::vector<AnsweredAddress>> ReadAnsweredAddresses(const std::string& path,
                                                           int64_t since_us);

// What open sessions connected to by a lease after `since_us`, the latest first; bounded likewise.
Result<std::vector<UsedLease>> ReadUsedLeases(const std::string& path, int64_t since_us);

}  // namespace namegate::resolver
