#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/endpoint.h"
#include "common/policy.h"
#include "resolver/fresh_allows.h"
#include "resolver/lease_table.h"
#include "resolver/session_limits.h"

namespace namegate::resolver {

// One run of one program with one policy: the unit of identity, policy, leases and audit.
struct Session {
  int64_t id = 0;
  std::string label;
  std::string gate;   // "preload", "enclave" or "none"
  std::string token;  // names its gate socket
  int64_t opened_us = 0;
  Endpoint nameserver;   // where its programs ask
  bool owned = false;    // ends with the connection that opened it
  bool preload = false;  // in an enclave: the preload gate is loaded inside as well
  bool walled = false;   // an enclave's relay is there, which asks about all that connects
  std::optional<IpPrefix> client;  // set: known by these client addresses, on a shared name server
  Policy policy;
  // Earlier ones, which queries under way still refer to.
  std::vector<Policy> retired_policies;
  LeaseTable leases;
  FreshAllows fresh_allows;
  Rate rate;
  TunnelBudget budget;

  // What has happened in it since it was opened.
  struct Counters {
    uint64_t hellos = 0;
    uint64_t queries = 0;
    uint64_t connections = 0;
    uint64_t denials = 0;
  } counters;
  size_t queries_in_flight = 0;
  size_t asking_upstream = 0;  // questions in flight that went upstream for it first

  explicit Session(std::vector<Rule> rules) : policy(std::move(rules)) {}

  // From now on these rules hold, for what is judged next.
  void ChangePolicy(std::vector<Rule> rules) {
    retired_policies.push_back(std::move(policy));
    policy = Policy(std::move(rules));
  }
};

}  // namespace namegate::resolver
