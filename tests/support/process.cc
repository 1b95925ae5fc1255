#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace namegate::testing {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::chrono::milliseconds Left(Clock::time_point deadline) {
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()));
}

// Standard input comes from a file without a name: a pipe could block the test on a long text.
UniqueFd InputFile(const std::string& text) {
  UniqueFd file(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("cannot prepare standard input");
  }
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

}  // namespace

Process::Process(const std::vector<std::string>& command, const ProcessOptions& options) {
  Pipe out = MakePipe();
  Pipe err = MakePipe();
  const UniqueFd input = InputFile(options.input);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves nothing behind
    dup2(input.get(), 0);
    dup2(out.write.get(), 1);
    dup2(err.write.get(), 2);
    for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  out_.fd = std::move(out.read);
  err_.fd = std::move(err.read);
}

Process::~Process() {
  if (!reaped_) {
    Signal(SIGKILL);
    Reap(0);
  }
}

void Process::Signal(int signal) const {
  if (!reaped_) kill(pid_, signal);
}

bool Process::running() {
  Reap(WNOHANG);
  return !reaped_;
}

void Process::Reap(int options) {
  int status = 0;
  if (reaped_ || waitpid(pid_, &status, options) != pid_) return;
  reaped_ = true;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool Process::Pump(std::chrono::milliseconds limit) {
  std::array<pollfd, 2> polled = {{{out_.fd.get(), POLLIN, 0}, {err_.fd.get(), POLLIN, 0}}};
  if (!out_.fd && !err_.fd) return false;
  if (poll(polled.data(), polled.size(), static_cast<int>(limit.count())) <= 0) return true;
  const std::array<Stream*, 2> streams = {&out_, &err_};
  for (size_t i = 0; i < streams.size(); ++i) {
    if (polled[i].revents == 0) continue;
    std::array<char, 65536> buffer;
    const ssize_t got = read(streams[i]->fd.get(), buffer.data(), buffer.size());
    if (got > 0) {
      streams[i]->text.append(buffer.data(), static_cast<size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      streams[i]->fd.Reset();
    }
  }
  return true;
}

bool Process::WaitFor(Stream& stream, const std::string& text, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (stream.text.find(text) == std::string::npos) {
    if (Left(deadline).count() == 0 || !stream.fd || !Pump(Left(deadline))) return false;
  }
  return true;
}

bool Process::WaitForOutput(const std::string& text, std::chrono::milliseconds limit) {
  return WaitFor(out_, text, limit);
}

bool Process::WaitForError(const std::string& text, std::chrono::milliseconds limit) {
  return WaitFor(err_, text, limit);
}

Outcome Process::Wait(std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  // The process itself may end while a child of it still holds the pipes open.
  while (running() && Left(deadline).count() > 0) {
    Pump(std::min(Left(deadline), std::chrono::milliseconds(20)));
    if (!out_.fd && !err_.fd) usleep(1000);
  }
  if (!reaped_) {
    Signal(SIGKILL);
    Reap(0);
  }
  for (size_t before = 1, after = 0; before != after;) {
    before = out_.text.size() + err_.text.size();
    Pump(std::chrono::milliseconds(0));
    after = out_.text.size() + err_.text.size();
  }
  return {status_, out_.text, err_.text};
}

Outcome Run(const std::vector<std::string>& command, const ProcessOptions& options) {
  return Process(command, options).Wait();
}

bool HaveProgram(const std::string& name) {
  return Run({"sh", "-c", "command -v \"$0\" >/dev/null", name}).status == 0;
}

std::string BuildPath(const std::string& below) {
  // Tests live in BUILD/bin, beside the programs they try. As it was at first: a test that enters
  // another mount namespace may not be found under its name there.
  static const std::filesystem::path build =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  return (build / below).string();
}

}  // namespace namegate::testing
