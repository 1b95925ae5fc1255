#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "common/control_protocol.h"
#include "common/result.h"
#include "resolver/session_manager.h"
#include "resolver/session_table.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// The control socket: speaks common/control_protocol.h to the operator's programs.
class ControlService {
 public:
  // Operators' programs, not the sandboxed: few.
  static constexpr size_t kMaxConnections = 1'024;

  // Called when a connection has ended.
  using Ended = std::function<void()>;
  // Gives the STATUS object.
  using StatusOf = std::function<nlohmann::json()>;

  // Listens at `path`, mode 0600. Everything given must outlive the service.
  static Result<std::unique_ptr<ControlService>> Listen(uv_loop_t* loop, const std::string& path,
                                                        SessionManager& manager,
                                                        SessionTable& sessions, StatusOf status,
                                                        Ended ended);
  ControlService(const ControlService&) = delete;
  ControlService& operator=(const ControlService&) = delete;
  ~ControlService();

  size_t connections() const { return connections_.size(); }
  // Removes the socket; connections stay.
  void StopAccepting();

 private:
  class Connection;

  ControlService(uv_loop_t* loop, std::string path, SessionManager& manager, SessionTable& sessions,
                 StatusOf status, Ended ended);
  void OnConnection(int status);
  void OnEnded(Connection* connection);

  uv_loop_t* loop_;
  std::string path_;
  SessionManager& manager_;
  SessionTable& sessions_;
  StatusOf status_;
  Ended ended_;
  UvHandle<uv_pipe_t> socket_;
  std::set<std::shared_ptr<Connection>> connections_;
};

}  // namespace namegate::resolver
