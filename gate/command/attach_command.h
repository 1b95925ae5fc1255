#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "gate/command/common_options.h"
#include "gate/command/session_rules.h"

namespace namegate::command {

struct AttachOptions {
  pid_t pid = 0;
  RuleOptions rules;
  std::vector<std::string> upstreams;
  std::optional<std::string> label;
};

// Gives a process's network namespace, which has no network, a session: for containers that were
// started without one. Returns the exit status once the process has ended or this one is told to
// (SIGINT, SIGTERM, SIGHUP): 0; or 1 for trouble. The namespace then has no network again, and it
// loses it too if this process is killed.
int AttachSession(const CommonOptions& common, const AttachOptions& options);

}  // namespace namegate::command
