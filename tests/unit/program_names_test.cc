#include "resolver/program_names.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/wait.h"

namespace namegate::resolver {
namespace {

// A child that waits to be killed, or executes a program.
pid_t StartChild(const char* program) {
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (program != nullptr) execlp(program, program, "1000", nullptr);
  for (;;) pause();
}

TEST_CASE("A process's name is the one that it has now") {
  ProgramNames names;
  REQUIRE(prctl(PR_SET_NAME, "first name") == 0);
  CHECK(names.NameOf(getpid()) == "first name");
  REQUIRE(prctl(PR_SET_NAME, "second") == 0);
  CHECK(names.NameOf(getpid()) == "second");
}

TEST_CASE("A process that executes another program has another name") {
  ProgramNames names;
  REQUIRE(prctl(PR_SET_NAME, "launcher") == 0);
  const pid_t child = StartChild("sleep");
  CHECK(testing::WaitFor([&] { return names.NameOf(child) == "sleep"; }));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_CASE("A process that has ended has no name, though it was asked about before") {
  ProgramNames names;
  const pid_t child = StartChild(nullptr);
  CHECK_FALSE(names.NameOf(child).empty());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK(names.NameOf(child).empty());
  CHECK(names.NameOf(0).empty());
}

TEST_CASE("Names of more processes than are kept are told all the same") {
  ProgramNames names;
  std::vector<pid_t> children;
  for (size_t i = 0; i < ProgramNames::kKept + 2; ++i) children.push_back(StartChild("sleep"));
  for (int round = 0; round < 2; ++round) {
    for (const pid_t child : children) {
      CHECK(testing::WaitFor([&] { return names.NameOf(child) == "sleep"; }));
    }
  }
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
}

}  // namespace
}  // namespace namegate::resolver
