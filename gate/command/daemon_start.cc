#include "gate/command/daemon_start.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>

#include "common/gate_protocol.h"
#include "common/system_error.h"
#include "common/unique_fd.h"
#include "gate/command/installation.h"

namespace namegate::command {
namespace {

// Migrating a large ledger and rebuilding leases takes seconds, not minutes.
constexpr int kReadyLimitMs = 60'000;
constexpr size_t kMaxReadyLine = 4096;
// The descriptors the daemon finds its readiness pipe and, if there is one, its configuration on.
constexpr int kReadyFd = 3;
constexpr int kConfigFd = 4;

Error StartError(const std::string& what) { return SystemError("start namegated: " + what); }

std::vector<std::string> CommandLine(const std::string& program, const DaemonArguments& arguments) {
  std::vector<std::string> words = {
      program,      "--state-dir",           arguments.state_dir, "--exit-when-idle",
      "--ready-fd", std::to_string(kReadyFd)};
  if (arguments.kept_config >= 0) {
    words.insert(words.end(), {"--config", "/proc/self/fd/" + std::to_string(kConfigFd)});
  } else if (arguments.config) {
    // The daemon does not share our working directory.
    words.insert(words.end(), {"--config", std::filesystem::absolute(*arguments.config).string()});
  }
  for (const std::string& upstream : arguments.upstreams) {
    words.insert(words.end(), {"--upstream", upstream});
  }
  return words;
}

// A copy that none of the dup2() calls below can overwrite, even if we were started with the
// standard descriptors closed.
int HighCopy(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, kConfigFd + 1); }

// In the grandchild: only what it is meant to have of ours reaches the daemon. `config_fd` may be
// -1.
[[noreturn]] void BecomeDaemon(char* const* words, int null_fd, int log_fd, int ready_fd,
                               int config_fd) {
  const int null = HighCopy(null_fd);
  const int log = HighCopy(log_fd);
  const int ready = HighCopy(ready_fd);
  const int config = HighCopy(config_fd);
  dup2(null, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  dup2(ready, kReadyFd);
  close(kConfigFd);
  if (config >= 0) dup2(config, kConfigFd);
  close_range(kConfigFd + 1, ~0U, 0);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD}) {
    (void)::signal(signal, SIG_DFL);  // fails for no signal of this list
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // This command may itself run gated, in another session; the daemon must not.
  unsetenv("LD_PRELOAD");
  unsetenv(kGateSocketVariable);
  if (chdir("/") == 0) execv(words[0], words);
  _exit(127);
}

// Forks twice: the daemon is in a session of its own and no child of ours.
Result<void> Detach(const std::vector<std::string>& words, int log_fd, int ready_fd,
                    int config_fd) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return StartError("open /dev/null");
  const pid_t middle = fork();
  if (middle < 0) return StartError("fork");
  if (middle == 0) {
    setsid();
    const pid_t daemon = fork();
    if (daemon == 0) BecomeDaemon(arguments.data(), null.get(), log_fd, ready_fd, config_fd);
    _exit(daemon < 0 ? 1 : 0);
  }
  int status = 0;
  while (waitpid(middle, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) return Error{"start namegated: no process could be made for it"};
  return {};
}

// The line on the readiness pipe, without its newline; empty if the daemon ended without one.
Result<std::string> ReadyLine(int fd) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kReadyLimitMs);
  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < kMaxReadyLine) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ready{fd, POLLIN, 0};
    const int polled = left.count() > 0 ? poll(&ready, 1, static_cast<int>(left.count())) : 0;
    if (polled < 0 && errno == EINTR) continue;
    if (polled <= 0) return Error{"namegated was started, but is not ready after a minute"};
    char buffer[512];
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got <= 0) break;
    line.append(buffer, static_cast<size_t>(got));
  }
  return line.substr(0, line.find('\n'));
}

Result<void> JudgeReadyLine(const std::string& line, const StatePaths& paths) {
  constexpr std::string_view kError = "error: ";
  if (line == "ready") return {};
  if (line.starts_with(kError)) return Error{"namegated: " + line.substr(kError.size())};
  return Error{"namegated ended before it was ready; see " + paths.log()};
}

}  // namespace

Result<void> StartDaemon(const StatePaths& paths, const DaemonArguments& arguments) {
  const auto program = FindDaemon();
  if (!program) return program.error();
  const UniqueFd log(
      open(paths.log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!log) return StartError("open log '" + paths.log() + "'");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return StartError("pipe");
  const UniqueFd ready(ends[0]);
  UniqueFd theirs(ends[1]);
  if (auto begun =
          Detach(CommandLine(*program, arguments), log.get(), theirs.get(), arguments.kept_config);
      !begun) {
    return begun;
  }
  theirs.Reset();
  const auto line = ReadyLine(ready.get());
  if (!line) return line.error();
  return JudgeReadyLine(*line, paths);
}

}  // namespace namegate::command
