#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/result.h"

namespace namegate::command {

// What is to be looked after beside the command: when one of the descriptors (-1: none) is
// readable, or after so many milliseconds (-1: never).
struct Companion {
  std::array<int, 2> fds = {-1, -1};
  int again_ms = -1;
};

// A command to be run, and what it gets.
struct Launch {
  std::string path;                                // the program, found
  std::vector<std::string> words;                  // its arguments, its name first
  std::map<std::string, std::string> environment;  // set on top of ours; empty: taken away
  // Puts it behind its gate; called in the process that becomes the command, which has one thread.
  // If it fails the command is not started.
  std::function<Result<void>()> enter;
  // Called once it runs, and then whenever what it returned last says so.
  std::function<Companion()> companion;
};

// How it ended, or why it was not started.
struct Ended {
  int exit_status = 0;  // its own, or 128 + the signal that ended it; if not started, what to exit
                        // with
  std::string trouble;  // empty: it was started
};

// Runs it to its end as if it had been started in our place: same terminal and process group,
// signals sent to us reach it, and when it stops we stop. If we are killed, so is it.
Ended RunInForeground(const Launch& launch);

}  // namespace namegate::command
