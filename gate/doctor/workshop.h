#pragma once

#include <sys/types.h>

#include <string>

#include "common/result.h"
#include "common/state_paths.h"
#include "common/unique_fd.h"

namespace namegate::doctor {

// A directory for the state of the daemon that is started, and for Unix sockets. It goes, with all
// that is in it, when the object does or this process is killed; a process of its own sees to that,
// once the daemon has left.
class Workshop {
 public:
  // The calling process must have one thread.
  static Result<Workshop> Make();
  Workshop(Workshop&& other) noexcept;
  Workshop& operator=(Workshop&&) = delete;
  ~Workshop();

  const std::string& path() const { return path_; }
  StatePaths state() const { return StatePaths(path_ + "/state"); }
  // A configuration that says nothing.
  std::string config() const { return path_ + "/namegate.toml"; }

 private:
  explicit Workshop(std::string path) : path_(std::move(path)) {}
  Result<void> StartJanitor();
  [[noreturn]] void BeJanitor(int doctor) const;
  void AwaitDaemon() const;

  std::string path_;
  UniqueFd janitors_;  // whose other end the janitor reads: he begins when it closes
  pid_t janitor_ = -1;
};

}  // namespace namegate::doctor
