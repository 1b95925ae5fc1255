#pragma once

#include <sys/types.h>

#include <functional>

#include "common/result.h"
#include "gate/enclave/channel.h"

namespace namegate::enclave {

struct ChildJob {
  pid_t pid;
  Channel channel;
};

// Begins `job` in a process of its own, with its end of a channel to this one; an error of it is
// the last that it sends there. The caller waits for the process. The calling process must have
// one thread.
Result<ChildJob> StartInChild(const std::function<Result<void>(const Channel& parent)>& job);

// Does `job` in a process of its own, waits for its end, and returns what came of it: for what
// changes the process that does it, such as entering a namespace. The calling process must have one
// thread.
Result<void> DoInChild(const std::function<Result<void>()>& job);

}  // namespace namegate::enclave
