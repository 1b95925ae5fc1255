#pragma once

#include <string>

#include "common/result.h"

namespace namegate::enclave {

// All for the network namespace of the calling thread, which must have the capabilities over it.

// G: the veth pair whose other end appears in the namespace `sandbox` (a descriptor), over which
// the caller must have the capabilities too. This end is up.
Result<void> LinkToSandbox(int sandbox);

// G, before its device is there: the routes that make every address local, and what its kernel is
// not to do by itself.
Result<void> PrepareGateway();
// G, once its device is there: addresses.
Result<void> ConfigureGateway();

// S, once its device is there: addresses, loopback, default routes; those of IPv6 unless it is
// switched off there, as container engines do.
Result<void> ConfigureSandbox();

// G: takes the pair of devices away, on both sides, at once.
Result<void> Unlink();

// How often the calling thread's namespace sends a SYN again before connect() fails, as text.
std::string SynRetries();
// Has it so in the calling thread's namespace, if that can be.
void SetSynRetries(const std::string& retries);

// Sets /proc/sys/`name`, as the calling thread's network namespace has it.
Result<void> SetSysctl(const char* name, const char* value);

}  // namespace namegate::enclave
