#include "gate/doctor/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>

#include "common/unique_fd.h"
#include "gate/doctor/probe_runner.h"

namespace namegate::doctor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};
// Thirty lines of thirty octets; what is more says nothing.
constexpr size_t kMaxOutput = 65'536;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
  std::string text;

  bool Make() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read.Reset(ends[0]);
    write.Reset(ends[1]);
    return true;
  }
  void Take() {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(read.get(), buffer.data(), buffer.size());
    if (got <= 0) return read.Reset();
    if (text.size() < kMaxOutput) text.append(buffer.data(), static_cast<size_t>(got));
  }
};

[[noreturn]] void Become(const std::vector<std::string>& words, const Pipe& out, const Pipe& err) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  dup2(null.get(), STDIN_FILENO);
  dup2(out.write.get(), STDOUT_FILENO);
  dup2(err.write.get(), STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

// Until both have ended; false if that took too long.
bool ReadBoth(Pipe& out, Pipe& err) {
  const auto deadline = Clock::now() + kPatience;
  while (out.read || err.read) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 2> events = {{{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}}};
    if (poll(events.data(), events.size(), static_cast<int>(left.count())) <= 0) continue;
    if (events[0].revents != 0) out.Take();
    if (events[1].revents != 0) err.Take();
  }
  return true;
}

std::string LastLine(const std::string& text) {
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) last = line;
  }
  constexpr std::string_view kPrefix = "namegate: ";
  return last.starts_with(kPrefix) ? last.substr(kPrefix.size()) : last;
}

void Read(const std::string& text, Stage& stage) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    stage.said[line.substr(0, space)] = line.substr(space + 1);
  }
  stage.finished = stage.said.erase(kFinished) > 0;
}

}  // namespace

Stage RunStage(const std::vector<std::string>& words) {
  Stage stage;
  Pipe out;
  Pipe err;
  const pid_t child = out.Make() && err.Make() ? fork() : -1;
  if (child == 0) Become(words, out, err);
  if (child < 0) {
    stage.trouble = std::string("start a process: ") + std::strerror(errno);
    return stage;
  }
  out.write.Reset();
  err.write.Reset();
  const bool ended = ReadBoth(out, err);
  if (!ended) kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  Read(out.text, stage);
  if (!ended) stage.trouble = "it took longer than a minute";
  if (ended && !stage.finished) stage.trouble = LastLine(err.text);
  if (!stage.finished && stage.trouble.empty()) stage.trouble = "it ended without a word";
  return stage;
}

}  // namespace namegate::doctor
