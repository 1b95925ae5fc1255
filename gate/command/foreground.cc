#include "gate/command/foreground.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/escape.h"
#include "common/unique_fd.h"
#include "gate/command/program.h"

namespace namegate::command {
namespace {

// Blocks every signal that can be forwarded while the object lives, so that each is taken up in one
// place. What the process did to itself (a crash) is not blocked.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
      sigdelset(&blocked, own);
    }
    sigprocmask(SIG_BLOCK, &blocked, &before_);
    // If we were started with SIGCHLD ignored, there would be no status to wait for.
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &by_default, &child_before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { Restore(); }

  // For the child too, which must start with what we were started with.
  void Restore() const {
    sigaction(SIGCHLD, &child_before_, nullptr);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_{};
  struct sigaction child_before_ {};
};

// The words as execv(2) takes them; valid as long as `words`.
std::vector<char*> Arguments(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  return arguments;
}

// The child says why it gives up in one write: the exit status as a byte, then the text.
[[noreturn]] void GiveUp(int report_fd, int exit_status, const std::string& why) {
  const std::string report = static_cast<char>(exit_status) + why;
  const ssize_t written = write(report_fd, report.data(), report.size());
  _exit(written > 0 ? exit_status : kGateTrouble);
}

// As execvp(3) does: a file that the kernel knows no format of is a script of the shell.
void Execute(const Launch& launch) {
  execv(launch.path.c_str(), Arguments(launch.words).data());
  if (errno != ENOEXEC) return;
  std::vector<std::string> words = {"sh", launch.path};
  words.insert(words.end(), launch.words.begin() + 1, launch.words.end());
  execv("/bin/sh", Arguments(words).data());
}

[[noreturn]] void BecomeCommand(const Launch& launch, const BlockedSignals& signals, pid_t parent,
                                int report_fd) {
  if (auto entered = launch.enter(); !entered) {
    GiveUp(report_fd, kGateTrouble, entered.error().message);
  }
  // After the user namespace, because gaining its capabilities clears this setting.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
    GiveUp(report_fd, kGateTrouble, "tie the command to namegate");
  }
  for (const auto& [name, value] : launch.environment) {
    if (value.empty()) {
      unsetenv(name.c_str());
    } else {
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
  signals.Restore();
  Execute(launch);
  GiveUp(report_fd, kNotExecutable,
         "cannot execute '" + Printable(launch.path) +
             "': " + (errno == ENOENT ? "its interpreter is missing" : std::strerror(errno)));
}

// What the child reported; empty once it has become the command.
std::string ReadReport(int fd) {
  std::string report;
  char buffer[512];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return report;
    report.append(buffer, static_cast<size_t>(got));
  }
}

// Stops this process by the signal that stopped the command, so that the shell sees a stopped job.
// Returns when it is continued (at once if it is in no job, as the signal is then ignored).
void StopLikewise(int signal) {
  sigset_t one;
  sigset_t before;
  sigemptyset(&one);
  sigaddset(&one, signal);
  (void)raise(signal);  // a signal that exists, to ourselves
  sigprocmask(SIG_UNBLOCK, &one, &before);
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

// The terminal signals the whole foreground process group, the command in it. What a person or a
// program sent us was meant for the command.
bool IsForTheCommand(const signalfd_siginfo& received) {
  return received.ssi_code <= 0 && received.ssi_signo != SIGCHLD &&
         received.ssi_pid != static_cast<uint32_t>(getpid());
}

// True once the command has ended, with its status in `*status`.
bool CommandEnded(pid_t command, int* status) {
  for (;;) {
    const pid_t changed = waitpid(command, status, WNOHANG | WUNTRACED);
    if (changed != command) return false;
    if (!WIFSTOPPED(*status)) return true;
    StopLikewise(WSTOPSIG(*status));
  }
}

void ForwardSignals(int signals, pid_t command) {
  signalfd_siginfo received{};
  while (read(signals, &received, sizeof received) == ssize_t{sizeof received}) {
    if (IsForTheCommand(received)) kill(command, static_cast<int>(received.ssi_signo));
  }
}

int WaitForCommand(pid_t command, const std::function<Companion()>& companion) {
  sigset_t all;
  sigfillset(&all);
  const UniqueFd signals(signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC));
  int status = 0;
  Companion beside = companion();
  while (!CommandEnded(command, &status)) {
    std::array<pollfd, 3> events = {
        {{signals.get(), POLLIN, 0}, {beside.fds[0], POLLIN, 0}, {beside.fds[1], POLLIN, 0}}};
    const int ready = poll(events.data(), events.size(), beside.again_ms);
    ForwardSignals(signals.get(), command);
    if (ready == 0 || events[1].revents != 0 || events[2].revents != 0) beside = companion();
  }
  // A Ctrl-C that ended the command is pending here as well; it must not end what we do afterwards.
  const timespec at_once{};
  while (sigtimedwait(&all, nullptr, &at_once) > 0) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Ended NotStarted(const std::string& action) {
  return {kGateTrouble, action + ": " + std::strerror(errno)};
}

}  // namespace

Ended RunInForeground(const Launch& launch) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return NotStarted("make a pipe");
  const UniqueFd report(ends[0]);
  UniqueFd theirs(ends[1]);
  const BlockedSignals signals;
  const pid_t self = getpid();
  const pid_t command = fork();
  if (command < 0) return NotStarted("start a process");
  if (command == 0) BecomeCommand(launch, signals, self, theirs.get());
  theirs.Reset();
  const std::string trouble = ReadReport(report.get());
  const int status = WaitForCommand(command, launch.companion);
  if (trouble.empty()) return {status, {}};
  return {static_cast<unsigned char>(trouble[0]), trouble.substr(1)};
}

}  // namespace namegate::command
