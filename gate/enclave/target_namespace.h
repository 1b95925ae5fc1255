#pragma once

#include <sys/types.h>

#include "common/result.h"
#include "common/unique_fd.h"

namespace namegate::enclave {

// The network namespace of a process that a gateway is to be put in front of.
struct TargetNamespace {
  UniqueFd process;  // a pidfd, which becomes readable when the process ends
  UniqueFd network;

  // An error if there is no such process, or it shares a network with this process or with the
  // host's first one, or EnterVacant() finds something in its network.
  static Result<TargetNamespace> Open(pid_t pid);
};

// Puts the calling thread into the network namespace that this is a descriptor of.
Result<void> EnterNetwork(int network);

// The same; and an error, which names it, if something is there by which packets could leave, or
// leave another way than through the gateway.
Result<void> EnterVacant(int network);

}  // namespace namegate::enclave
