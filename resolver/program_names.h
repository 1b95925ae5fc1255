#pragma once

#include <sys/types.h>

#include <deque>
#include <string>

#include "common/unique_fd.h"

namespace namegate::resolver {

// The names of processes' programs, as they chose them (/proc/PID/comm, proc(5)), read anew each
// time: a program may take another, and a process execute another program. The files of the
// processes asked about last stay open, so that reading them again is one system call; such a file
// is of one process for good, whoever has its id later.
class ProgramNames {
 public:
  // As each session has its own: of programs that connect often, few do so at a time.
  static constexpr size_t kKept = 2;

  // Empty if there is no such process (any more).
  std::string NameOf(pid_t pid);

 private:
  struct Known {
    pid_t pid;
    UniqueFd comm;
  };
  std::deque<Known> known_;  // the latest first
};

}  // namespace namegate::resolver
