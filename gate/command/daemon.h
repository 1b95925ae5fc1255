#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/control_protocol.h"
#include "common/result.h"
#include "common/state_paths.h"
#include "common/unique_fd.h"
#include "gate/command/common_options.h"

namespace namegate::command {

// A connection to the daemon that runs for these options' state directory.
Result<ControlClient> ConnectToDaemon(const CommonOptions& common);

// A daemon that answers, and what it says of itself.
struct LivingDaemon {
  ControlClient client;
  std::vector<std::string> upstreams;  // whom it asks
  bool exits_when_idle = false;        // it is one of those that are started when one is needed
};

// ControlClient::Call(), but a request longer than the daemon would read is an error here.
Result<nlohmann::json> CallDaemon(ControlClient& daemon, const nlohmann::json& request);

// The same, but where none runs one is started that leaves when its last session ends. However many
// callers do this at once, one daemon comes of it and all are connected to it.
//
// `upstreams` are for a daemon that is started; a running daemon that asks others is an error,
// because the caller's would be silently ignored.
Result<LivingDaemon> FindOrStartDaemon(const CommonOptions& common,
                                       const std::vector<std::string>& upstreams);

// What it takes to come back to a daemon, or to start another like it, while a command runs that
// may have renamed directories of its user's, put others in their place, and changed his files.
class DaemonPlace {
 public:
  // Of the daemon that runs for these options.
  static Result<DaemonPlace> Open(const CommonOptions& common);

  // What is in the same directory, by whatever name. Valid in this process, as long as this object.
  StatePaths paths() const;
  // These are about whatever runs there.
  Result<ControlClient> Connect() const;
  // One is started only if the directory has kept its name. Should it lose it just then, the new
  // daemon is in the wrong place: neither this process nor a relay finds it, and it knows no
  // session. It has the configuration that was there when this object was made.
  Result<LivingDaemon> FindOrStart(const std::vector<std::string>& upstreams) const;

 private:
  DaemonPlace(std::string state_dir, UniqueFd directory, UniqueFd config)
      : state_dir_(std::move(state_dir)),
        directory_(std::move(directory)),
        config_(std::move(config)) {}
  bool HasKeptName() const;

  std::string state_dir_;
  UniqueFd directory_;
  UniqueFd config_;  // in memory
};

}  // namespace namegate::command
