#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace namegate::testing {

// How a process ended and what it said.
struct Outcome {
  int status = -1;  // the exit status, or 128 + the signal that ended it
  std::string out;
  std::string err;
};

struct ProcessOptions {
  std::map<std::string, std::string> environment;  // added to the test's own
  std::string input;                               // given on standard input, then closed
};

// A child process with its output captured. Killed and reaped if it is still there at the end.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command, const ProcessOptions& options = {});
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  bool running();
  void Signal(int signal) const;
  // Reads standard output until `text` has appeared in it; false if it ended or time ran out first.
  bool WaitForOutput(const std::string& text,
                     std::chrono::milliseconds limit = std::chrono::seconds(20));
  // The same on standard error.
  bool WaitForError(const std::string& text,
                    std::chrono::milliseconds limit = std::chrono::seconds(20));
  // What it has written on standard error so far, as far as it was waited for.
  const std::string& error() const { return err_.text; }
  // Waits for the end; a process that is still there after `limit` is killed.
  Outcome Wait(std::chrono::milliseconds limit = std::chrono::seconds(60));

 private:
  struct Stream {
    UniqueFd fd;
    std::string text;
  };
  bool WaitFor(Stream& stream, const std::string& text, std::chrono::milliseconds limit);
  // Takes what is there, or waits up to `limit` for more; false when both streams have ended.
  bool Pump(std::chrono::milliseconds limit);
  void Reap(int options);

  pid_t pid_ = -1;
  int status_ = -1;
  bool reaped_ = false;
  Stream out_;
  Stream err_;
};

// Runs a command to its end.
Outcome Run(const std::vector<std::string>& command, const ProcessOptions& options = {});

// True if a program of this name is on the PATH or, with a slash in it, is there.
bool HaveProgram(const std::string& name);

// In front of a command: runs it as an ordinary user, by setpriv(1), which takes root.
inline const std::vector<std::string> kAsNobody = {"setpriv", "--reuid", "65534",
                                                   "--regid", "65534",   "--clear-groups"};

// A path below the build directory, such as BuildPath("bin/namegated").
std::string BuildPath(const std::string& below);

}  // namespace namegate::testing
