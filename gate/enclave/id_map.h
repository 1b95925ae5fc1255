#pragma once

#include <sys/types.h>

#include <string>

#include "common/result.h"

namespace namegate::enclave {

// Gives the user namespace that `process` has just made the ids of the caller's, each as itself:
// all of them if the caller may (root, or whoever holds the capabilities of the parent namespace),
// else the caller's own.
Result<void> MapIds(pid_t process);

// The trouble that errno tells, with what an administrator can do about it, for a call that makes
// or joins a namespace.
Error NamespaceError(const std::string& action);

}  // namespace namegate::enclave
