#pragma once

#include <string>

#include "common/result.h"

namespace namegate::command {

// The programs and libraries of this installation, found from where the running program lies, so
// that a build directory and a moved prefix work alike. An error names the places looked at.
Result<std::string> FindDaemon();
Result<std::string> FindGateLibrary();

}  // namespace namegate::command
