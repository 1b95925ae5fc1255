#pragma once

#include <string>

#include "common/result.h"

namespace namegate::enclave {

// Both for the network namespace of the calling thread, which must have the capabilities over it.

// G: the veth pair whose other end appears in the namespace `sandbox` (a descriptor), addresses,
// and the routes that make every address local.
Result<void> ConfigureGateway(int sandbox);

// S, once its device is there: addresses, loopback, default routes.
Result<void> ConfigureSandbox();

// How often the calling thread's namespace sends a SYN again before connect() fails, as text.
std::string SynRetries();
// Has it so in the calling thread's namespace, if that can be.
void SetSynRetries(const std::string& retries);

// Sets /proc/sys/`name`, as the calling thread's network namespace has it.
Result<void> SetSysctl(const char* name, const char* value);

}  // namespace namegate::enclave
