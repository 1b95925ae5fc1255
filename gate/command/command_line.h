#pragma once

namespace namegate::command {

// Reads the command line and does what it says; returns the exit status. The only place, with
// audit's, that knows how options are spelt.
int RunCommandLine(int argc, char** argv);

}  // namespace namegate::command
