#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "tests/support/reachable_build.h"

int main(int argc, char** argv) {
  namegate::testing::MakeBuildReachable(argv);
  return Catch::Session().run(argc, argv);
}
