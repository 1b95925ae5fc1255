#pragma once

#include <string>

namespace namegate::doctor {

// What stands behind the output of the probes, if they were all tried.
inline constexpr char kFinished[] = "finished";

// In the process that is held by a gate, or by none: tries the probes of `plan`, each in a process
// of its own, all at once, and prints a line "NAME RESULT" for each. The plan is JSON:
//
//   {"directory": "/tmp/…", "outside": PID, "inherited": FD,
//    "tries": [{"name": "connect", "port": 4711}, {"name": …, "as": another name to print}]}
//
// "nested": 1 leaves the closing line to somebody else. "strip": 1 gets rid of a preloaded gate
// first, as a program would that wants to get past it: so that what is tried is the wall behind it.
// Returns the exit status.
int RunProbes(const std::string& plan);

}  // namespace namegate::doctor
