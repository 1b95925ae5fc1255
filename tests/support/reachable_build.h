#pragma once

namespace namegate::testing {

// Tests that become another user must reach the programs that they try. Where the build lies in a
// directory for root alone, such as his home, executes this program again from another path to it,
// in a mount namespace of its own. Returns if that is not needed, or cannot be. To be called first
// of all.
void MakeBuildReachable(char** arguments);

}  // namespace namegate::testing
