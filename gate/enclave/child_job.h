#pragma once

#include <functional>

#include "common/result.h"

namespace namegate::enclave {

// Does `job` in a process of its own, waits for its end, and returns what came of it: for what
// changes the process that does it, such as entering a namespace. The calling process must have one
// thread.
Result<void> DoInChild(const std::function<Result<void>()>& job);

}  // namespace namegate::enclave
