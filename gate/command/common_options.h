#pragma once

#include <optional>
#include <string>

namespace namegate::command {

// What every subcommand takes.
struct CommonOptions {
  std::optional<std::string> state_dir;  // --state-dir
  std::optional<std::string> config;     // --config
  bool json = false;                     // --json, where there is something to print
};

}  // namespace namegate::command
