#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "tests/support/process.h"
#include "tests/support/reachable_build.h"

int main(int argc, char** argv) {
  namegate::testing::MakeBuildReachable(argv);
  (void)namegate::testing::BuildPath("");  // remembered
  return Catch::Session().run(argc, argv);
}
