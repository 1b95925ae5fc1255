#include "tests/integration/command_harness.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>

#include "common/state_paths.h"
#include "common/unique_fd.h"
#include "tests/support/skip.h"
#include "tests/support/wait.h"

namespace namegate::testing {
namespace {

// The state in /proc/PID/stat, behind the name in parentheses; 0 if there is no such process.
char StateOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const size_t name_end = stat.rfind(')');
  return name_end == std::string::npos ? '\0' : stat.at(name_end + 2);
}

}  // namespace

Words Joined(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Words CommandHarness::Namegate(const Words& words) const {
  return Joined(Joined({BuildPath("bin/namegate")}, words), {"--state-dir", state_dir()});
}

Words CommandHarness::RunWords(const Words& options, const Words& command) const {
  return Joined(Joined(Namegate(Joined({"run", "--gate", "preload"}, options)), {"--"}), command);
}

Outcome CommandHarness::Run(const Words& options, const Words& command,
                            const ProcessOptions& process) const {
  return testing::Run(RunWords(options, command), process);
}

bool CommandHarness::DaemonLeaves() const {
  return WaitFor([&] {
    const UniqueFd lock(open(StatePaths(state_dir()).lock().c_str(), O_RDONLY | O_CLOEXEC));
    return !lock || flock(lock.get(), LOCK_SH | LOCK_NB) == 0;
  });
}

void RequireRootWithMounts() {
  if (geteuid() != 0) Skip("needs root: the session's name server listens on port 53");
  if (Run({"unshare", "--mount", "true"}).status != 0) Skip("needs leave to make mount namespaces");
}

bool WaitForState(pid_t pid, char state) {
  return WaitFor([&] { return StateOf(pid) == state || StateOf(pid) == '\0'; }) &&
         StateOf(pid) == state;
}

bool IsAlive(pid_t pid) {
  const char state = StateOf(pid);
  return state != '\0' && state != 'Z';
}

bool WaitUntilGone(pid_t pid) {
  return WaitFor([&] { return !IsAlive(pid); });
}

}  // namespace namegate::testing
