// namegate run on a terminal: a real pseudo-terminal, and a shell with job control on it.

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <stdexcept>

#include "common/unique_fd.h"
#include "tests/integration/command_harness.h"

namespace namegate {
namespace {

using testing::CommandHarness;
using testing::Words;

// A command whose controlling terminal is ours to type on.
class Terminal {
 public:
  explicit Terminal(const Words& words) {
    int master = -1;
    pid_ = forkpty(&master, nullptr, nullptr, nullptr);
    if (pid_ < 0) throw std::runtime_error("forkpty failed");
    if (pid_ == 0) {
      std::vector<char*> arguments;
      for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
      arguments.push_back(nullptr);
      execvp(arguments[0], arguments.data());
      _exit(127);
    }
    master_.Reset(master);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  void Type(const std::string& keys) const {
    if (write(master_.get(), keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
      throw std::runtime_error("cannot type");
    }
  }

  // Reads until `text` has appeared behind what was found before; false if it does not come.
  bool WaitForText(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (;;) {
      if (const size_t at = screen_.find(text, seen_); at != std::string::npos) {
        seen_ = at + text.size();
        return true;
      }
      pollfd ready{master_.get(), POLLIN, 0};
      if (std::chrono::steady_clock::now() > deadline || poll(&ready, 1, 20'000) <= 0) return false;
      char buffer[1024];
      const ssize_t got = read(master_.get(), buffer, sizeof buffer);
      if (got <= 0) return false;
      screen_.append(buffer, static_cast<size_t>(got));
    }
  }

  // The exit status, once the command has ended.
  int Wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  const std::string& screen() const { return screen_; }

 private:
  pid_t pid_ = -1;
  UniqueFd master_;
  std::string screen_;
  size_t seen_ = 0;
};

std::string Line(const Words& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "'" : " '") + word + "'";
  return line + "\n";
}

TEST_CASE("The command has the terminal on all three standard streams") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  Terminal terminal(harness.RunWords(
      {"--quiet"},
      {"sh", "-c", "test -t 0 && test -t 1 && test -t 2 && read x < /dev/tty && echo got $x"}));
  terminal.Type("words\n");
  CHECK(terminal.WaitForText("got words"));
  CHECK(terminal.Wait() == 0);
}

TEST_CASE("Ctrl-C ends the command once, and namegate exits with 130") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  Terminal terminal(harness.RunWords({"--quiet"}, {"sh", "-c", "echo here; exec sleep 1000"}));
  REQUIRE(terminal.WaitForText("here"));
  terminal.Type("\x03");
  CHECK(terminal.Wait() == 128 + SIGINT);
}

TEST_CASE("A command that takes Ctrl-C itself gets it once and goes on") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  Terminal terminal(harness.RunWords(
      {"--quiet"},
      {"bash", "-c",
       "n=0; trap 'n=$((n+1)); echo int=$n' INT; echo here; read line; read line; echo n=$n"}));
  REQUIRE(terminal.WaitForText("here"));
  terminal.Type("\x03");
  CHECK(terminal.WaitForText("int=1"));
  terminal.Type("a\nb\n");
  CHECK(terminal.WaitForText("n=1"));
  CHECK(terminal.Wait() == 0);
}

TEST_CASE("Ctrl-Z stops the job, fg continues it, and its status reaches the shell") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  Terminal terminal({"bash", "--norc", "--noprofile", "-i"});
  terminal.Type(Line(harness.RunWords(
      {"--quiet"}, {"sh", "-c", "echo he\"\"re; read line; echo \"=$line=\"; exit 6"})));
  REQUIRE(terminal.WaitForText("here"));
  terminal.Type("\x1a");
  REQUIRE(terminal.WaitForText("Stopped"));
  terminal.Type("fg\n");
  terminal.Type("text\n");
  CHECK(terminal.WaitForText("=text="));
  terminal.Type("echo status=$?.\n");
  CHECK(terminal.WaitForText("status=6."));
  terminal.Type("exit 0\n");
  CHECK(terminal.Wait() == 0);
}

TEST_CASE("A command that is stopped by a signal stops namegate, and SIGCONT continues both") {
  testing::RequireRootWithMounts();
  const CommandHarness harness;
  testing::Process run(
      harness.RunWords({"--quiet"}, {"sh", "-c", "echo here; kill -STOP $$; echo again; exit 8"}));
  REQUIRE(run.WaitForOutput("here"));
  CHECK(testing::WaitForState(run.pid(), 'T'));
  run.Signal(SIGCONT);
  CHECK(run.WaitForOutput("again"));
  CHECK(run.Wait().status == 8);
}

}  // namespace
}  // namespace namegate
