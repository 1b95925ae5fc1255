#include <cstdio>

#include "gate/command/command_line.h"
#include "gate/command/output.h"

// A report that could not be written whole must not look like a success.
int main(int argc, char** argv) {
  namespace command = namegate::command;
  const int exit_status = command::RunCommandLine(argc, argv);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_status;
  const int trouble = command::Fail("write to standard output failed");
  return exit_status != command::kOk ? exit_status : trouble;
}
