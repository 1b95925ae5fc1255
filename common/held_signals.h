#pragma once

#include <initializer_list>

#include "common/unique_fd.h"

namespace namegate {

// From now on `signals` no longer end this process: each that comes makes the returned descriptor
// readable, as signalfd(2) says. Call it on the thread that the process began with, the others
// being QuietThreads. A signal that this process was started to ignore stays ignored.
UniqueFd HoldSignals(std::initializer_list<int> signals);

}  // namespace namegate
