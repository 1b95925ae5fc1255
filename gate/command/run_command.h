#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gate/command/common_options.h"
#include "gate/command/session_rules.h"

namespace namegate::command {

struct RunOptions {
  std::string gate;
  RuleOptions rules;
  std::vector<std::string> upstreams;
  std::vector<std::string> expose;
  std::optional<std::string> label;
  bool quiet = false;
  std::vector<std::string> command;
};

// Runs a command in a session of its own. Returns the command's exit status, 128 + n if signal n
// ended it, 125 for trouble of Namegate's own (the command was then not run, or, as the message
// says, was run ungated), 126 if it cannot be executed, 127 if it is not found.
int Run(const CommonOptions& common, const RunOptions& options);

}  // namespace namegate::command
