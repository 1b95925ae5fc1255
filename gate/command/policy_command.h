#pragma once

#include <string>

#include "gate/command/common_options.h"

namespace namegate::command {

// Checks a policy file and shows the rules it comes to. 1 if it has a mistake.
int CheckPolicy(const CommonOptions& common, const std::string& path);

}  // namespace namegate::command
