#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/control_protocol.h"
#include "common/result.h"
#include "gate/command/common_options.h"
#include "gate/command/daemon.h"
#include "gate/command/session_info.h"

namespace namegate::command {

// A session that ends with this process, and outlives the daemon: if that is killed, it is taken up
// again with the next.
class OwnedSession {
 public:
  // Opens a session by `request` (session.open) with the daemon of these options, which is started
  // if none runs, and asks `upstreams` if these are given. With `own_port` its name server gets a
  // loopback address of its own, on a port that needs no privilege.
  static Result<OwnedSession> Open(const CommonOptions& common,
                                   const std::vector<std::string>& upstreams,
                                   nlohmann::json request, bool own_port);

  const SessionInfo& info() const { return info_; }
  // Of the ledger that it is recorded in, for as long as this object.
  std::string ledger() const { return place_.paths().ledger(); }
  // Fails while the daemon is gone.
  Result<nlohmann::json> Call(const nlohmann::json& request) {
    return daemon_.client.Call(request);
  }
  // Nothing else is to be done with it then.
  Result<void> Close();

  // A descriptor that becomes readable when the daemon goes; -1 once it has.
  int fd() const { return state_ == State::kOpen ? daemon_.client.fd() : -1; }
  // Whether there may have been any, if the daemon counted so many: one that was restarted has
  // counted from then on only.
  bool MayHaveHad(int64_t counted) const { return counted > 0 || restarted_; }
  // Nothing can bring it back.
  bool lost() const { return state_ == State::kLost; }
  // To be called when the descriptor is readable, and now and then after that: sees whether the
  // daemon has gone, and if so comes back to it, starting it anew if it was one that `run` starts.
  // Whoever starts it or waits for it, meanwhile everything new is refused. The error says why the
  // session is lost.
  Result<void> Attend();

 private:
  enum class State { kOpen, kAway, kLost };

  OwnedSession(DaemonPlace place, LivingDaemon daemon, nlohmann::json request)
      : place_(std::move(place)), daemon_(std::move(daemon)), request_(std::move(request)) {}
  Result<void> AskForSession(bool own_port);
  Result<void> HoldDirectory();
  Result<ControlClient> FindDaemonAgain() const;

  DaemonPlace place_;
  LivingDaemon daemon_;  // after a restart, another like it
  nlohmann::json request_;
  SessionInfo info_;
  UniqueFd directory_;  // of its gate socket
  State state_ = State::kOpen;
  bool restarted_ = false;
};

}  // namespace namegate::command
