#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace namegate::command {

// What a shell says about a command that cannot be run.
inline constexpr int kGateTrouble = 125;    // Namegate's own failure
inline constexpr int kNotExecutable = 126;  // found, but cannot be executed
inline constexpr int kNotFound = 127;

// A command found as execvp(3) would find it, or why not and the status to exit with.
struct FoundProgram {
  std::string path;
  int exit_status = 0;  // 0: found
  std::string trouble;
};
FoundProgram FindProgram(const std::string& name);

// Why the preload gate could not hold this program: it is statically linked, of another
// architecture, or setuid. Scripts are followed to their interpreter, as far as the kernel does.
// What a held program starts later is not looked at.
Result<void> CheckPreloadable(const std::string& path);

}  // namespace namegate::command
