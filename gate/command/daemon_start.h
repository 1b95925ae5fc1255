#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/state_paths.h"

namespace namegate::command {

struct DaemonArguments {
  std::string state_dir;  // as it is to call it
  std::optional<std::string> config;
  int kept_config = -1;  // a descriptor to read in its place
  std::vector<std::string> upstreams;
};

// Starts namegated for the state directory, detached from this terminal and process, with its log
// in paths.log(), and waits until it serves. The error is the daemon's own if it gave one. The
// daemon leaves by itself when its last session and connection are gone.
Result<void> StartDaemon(const StatePaths& paths, const DaemonArguments& arguments);

}  // namespace namegate::command
