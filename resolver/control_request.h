#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/result.h"
#include "resolver/session.h"
#include "resolver/session_manager.h"

namespace namegate::resolver {

// A request of the control protocol, checked: known command, known fields, right types.
struct ControlRequest {
  enum class Command { kOpen, kAdopt, kUpdate, kList, kShow, kClose, kStatus };

  Command command = Command::kStatus;
  SessionRequest open;   // for kOpen
  bool owned = false;    // for kOpen
  bool preload = false;  // for kAdopt
  PolicyUpdate update;   // for kUpdate
  int64_t session = 0;   // for kAdopt, kUpdate, kShow and kClose
};

// Reads one line. The error is for the person at the other end.
Result<ControlRequest> ParseControlRequest(const std::string& line);

// SESSION of the protocol.
nlohmann::json SessionToJson(const Session& session, const SessionManager& manager);

}  // namespace namegate::resolver
