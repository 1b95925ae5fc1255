#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/result.h"
#include "resolver/session.h"
#include "resolver/session_manager.h"

namespace namegate::resolver {

// A request of the control protocol, checked: known command, known fields, right types.
struct ControlRequest {
  enum class Command { kOpen, kList, kShow, kClose, kStatus };

  Command command = Command::kStatus;
  SessionRequest open;  // for kOpen
  bool owned = false;   // for kOpen
  int64_t session = 0;  // for kShow and kClose
};

// Reads one line. The error is for the person at the other end.
Result<ControlRequest> ParseControlRequest(const std::string& line);

// SESSION of the protocol.
nlohmann::json SessionToJson(const Session& session, const std::string& gate_socket);

// "2026-11-23T20:11:05.123456Z"
std::string Iso8601(int64_t time_us);

}  // namespace namegate::resolver
