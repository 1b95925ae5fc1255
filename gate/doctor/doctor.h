#pragma once

#include <string>

#include "gate/command/common_options.h"

namespace namegate::doctor {

struct DoctorOptions {
  std::string gate;    // empty: both
  std::string probes;  // not for people: what RunProbes() is to try
};

// The exit statuses of `namegate doctor`.
inline constexpr int kAllCovered = 0;
inline constexpr int kSomethingOpen = 1;
inline constexpr int kCouldNotRun = 2;

// Tries every known way round the gates on this host, prints what came of it, and returns the exit
// status.
int Examine(const command::CommonOptions& common, const DoctorOptions& options);

}  // namespace namegate::doctor
