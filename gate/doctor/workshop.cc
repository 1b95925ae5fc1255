#include "gate/doctor/workshop.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/random.h"
#include "common/system_error.h"

namespace namegate::doctor {
namespace {

namespace fs = std::filesystem;

// A daemon that has nothing to do any more leaves at once.
constexpr std::chrono::seconds kLeavePatience{10};
constexpr std::chrono::milliseconds kPause{20};
// Nobody else has or guesses this name, which is short enough for a Unix socket below it.
constexpr size_t kNameBytes = 6;

}  // namespace

// First the janitor, so that there is no moment at which the directory would stay.
Result<Workshop> Workshop::Make() {
  std::error_code error;
  const fs::path place = fs::temp_directory_path(error);
  if (error) return Error{"find a place for temporary files: " + error.message()};
  Workshop workshop((place / ("namegate-doctor-" + RandomHex(kNameBytes))).string());
  if (auto started = workshop.StartJanitor(); !started) return started.error();
  if (mkdir(workshop.path().c_str(), 0700) != 0) {
    return SystemError("make a directory '" + workshop.path() + "'");
  }
  if (auto made = workshop.state().Create(); !made) return made.error();
  std::ofstream(workshop.config()) << "version = 1\n";
  return workshop;
}

Workshop::Workshop(Workshop&& other) noexcept
    : path_(std::move(other.path_)),
      janitors_(std::move(other.janitors_)),
      janitor_(std::exchange(other.janitor_, -1)) {}

Workshop::~Workshop() {
  if (janitor_ < 0) return;
  janitors_.Reset();
  waitpid(janitor_, nullptr, 0);
}

Result<void> Workshop::StartJanitor() {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) == 0) janitor_ = fork();
  const UniqueFd theirs(ends[0]);
  janitors_.Reset(ends[1]);
  if (janitor_ == 0) {
    janitors_.Reset();
    BeJanitor(ends[0]);
  }
  if (janitor_ > 0) return {};
  return SystemError("start a process");
}

// Away from the terminal, whose Ctrl-C would end it too.
void Workshop::BeJanitor(int doctor) const {
  setsid();
  dup2(doctor, STDIN_FILENO);
  close_range(1, ~0U, 0);
  char octet = 0;
  while (read(STDIN_FILENO, &octet, 1) < 0 && errno == EINTR) {
  }
  AwaitDaemon();
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  _exit(0);
}

void Workshop::AwaitDaemon() const {
  const UniqueFd lock(open(state().lock().c_str(), O_RDONLY | O_CLOEXEC));
  const auto deadline = std::chrono::steady_clock::now() + kLeavePatience;
  while (lock && flock(lock.get(), LOCK_SH | LOCK_NB) != 0 &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace namegate::doctor
