#include "tests/support/skip.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "tests/support/process.h"

namespace namegate::testing {

constexpr int kSkipped =
    77;  // what ctest is told to take for a skipped test (tests/CMakeLists.txt)

void Skip(const std::string& why) {
  std::cout << "SKIPPED: " << why << std::endl;
  std::exit(kSkipped);
}

void NeedPrograms(const std::vector<std::string>& programs) {
  for (const std::string& program : programs) {
    if (!HaveProgram(program)) Skip(program + " is missing");
  }
}

void NeedRoot(const std::string& what) {
  if (geteuid() != 0) Skip("only root may " + what);
}

}  // namespace namegate::testing
