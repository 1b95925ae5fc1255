#pragma once

#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace namegate::testing {

using Words = std::vector<std::string>;

// `words` and `more` in one list.
Words Joined(Words words, const Words& more);

// The namegate command with a state directory of its own.
class CommandHarness {
 public:
  const TempDir& directory() const { return directory_; }
  std::string state_dir() const { return directory_.File("state"); }

  // namegate `words` --state-dir STATE_DIR
  Words Namegate(const Words& words) const;
  // namegate run --gate preload --state-dir STATE_DIR `options` -- `command`
  Words RunWords(const Words& options, const Words& command) const;
  Outcome Run(const Words& options, const Words& command, const ProcessOptions& process = {}) const;

  // Waits until no daemon holds the state directory; false if one still does after a while.
  bool DaemonLeaves() const;

 private:
  TempDir directory_;
};

// Ends this process as a skipped test, with the reason, unless it is root and may make mount
// namespaces: `run` binds port 53 and mounts files. A test that needs this calls it first.
void RequireRootWithMounts();

// Waits until the process is in this state (proc(5): 'T' stopped, 'S' sleeping); false if it never
// was, or is gone.
bool WaitForState(pid_t pid, char state);
// True while there is such a process that has not ended.
bool IsAlive(pid_t pid);
// Waits until there is none.
bool WaitUntilGone(pid_t pid);

}  // namespace namegate::testing
