#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/control_protocol.h"
#include "common/result.h"
#include "gate/command/common_options.h"

namespace namegate::command {

// A connection to the daemon that runs for these options' state directory.
Result<ControlClient> ConnectToDaemon(const CommonOptions& common);

// ControlClient::Call(), but a request longer than the daemon would read is an error here.
Result<nlohmann::json> CallDaemon(ControlClient& daemon, const nlohmann::json& request);

// The same, but where none runs one is started that leaves when its last session ends. However many
// callers do this at once, one daemon comes of it and all are connected to it.
//
// `upstreams` are for a daemon that is started; a running daemon that asks others is an error,
// because the caller's would be silently ignored.
Result<ControlClient> FindOrStartDaemon(const CommonOptions& common,
                                        const std::vector<std::string>& upstreams);

}  // namespace namegate::command
