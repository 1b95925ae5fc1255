#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/control_protocol.h"
#include "common/result.h"

namespace namegate::command {

// SESSION of the control protocol.
struct SessionInfo {
  int64_t id = 0;
  std::string label;
  std::string gate;
  std::string opened;
  std::vector<std::string> rules;
  std::string nameserver;  // "ADDR:PORT"
  std::string client;
  std::string gate_socket;
  std::string relay_socket;  // of an enclave
  int64_t hellos = 0;
  int64_t queries = 0;
  int64_t connections = 0;
  int64_t denials = 0;
  int64_t leases = 0;

  // What is missing or of another type stays as it is above; the id is required.
  static Result<SessionInfo> FromJson(const nlohmann::json& session);
};

// The "session" of a response.
Result<SessionInfo> SessionOf(const nlohmann::json& response);

// session.list.
Result<std::vector<SessionInfo>> ListSessions(ControlClient& daemon);

// The id that `name`, a number or a label, stands for. An error if no open session, or more than
// one, has that label.
Result<int64_t> FindSession(ControlClient& daemon, const std::string& name);

}  // namespace namegate::command
