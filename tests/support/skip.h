#pragma once

#include <string>
#include <vector>

namespace namegate::testing {

// Ends the process as a skipped test, with the reason. For what this kernel, container or user
// cannot do; a test of ctest is one process.
[[noreturn]] void Skip(const std::string& why);

// Skips unless HaveProgram() each of these.
void NeedPrograms(const std::vector<std::string>& programs);

// Skips unless this is root, who alone may do `what`.
void NeedRoot(const std::string& what);

}  // namespace namegate::testing
