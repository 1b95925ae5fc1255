#pragma once

#include <optional>
#include <string>

namespace namegate::command {

// What every command of `namegate` takes.
struct CommonOptions {
  std::optional<std::string> state_dir;  // --state-dir
  std::optional<std::string> config;     // --config
  bool json = false;                     // --json
};

}  // namespace namegate::command
