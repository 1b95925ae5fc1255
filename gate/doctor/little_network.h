#pragma once

#include "common/result.h"

namespace namegate::doctor {

// A network of doctor's own in the place of the host's: this process, and what it starts, find on
// its loopback the addresses that the probes try, and nothing leads further. So the gates are tried
// on this kernel, with its settings, while no packet touches the host's network; and an ordinary
// user may do it. The error says what the host lacks.
Result<void> EnterLittleNetwork();

}  // namespace namegate::doctor
