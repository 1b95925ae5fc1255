#pragma once

#include "gate/command/common_options.h"

namespace namegate::command {

// Shows how the daemon is. 0 if it runs and its ledger is sound, 1 otherwise.
int ShowStatus(const CommonOptions& common);

}  // namespace namegate::command
