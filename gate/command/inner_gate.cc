#include "gate/command/inner_gate.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "common/descriptor_path.h"
#include "common/file_content.h"
#include "common/gate_protocol.h"
#include "common/system_error.h"

// Theory of operation. The host seldom has an /etc/ld.so.preload, and a mount needs something to
// cover; so for an ordinary user, who cannot write in /etc anyway, a read-only overlay puts it
// there. An overlay does not show what else is mounted below /etc (in a container: hosts,
// resolv.conf), so these are mounted again on top of it. What is mounted keeps the tmpfs with the
// files alive, which has no name any more.

namespace namegate::command {
namespace {

constexpr char kPreloadFile[] = "/etc/ld.so.preload";
constexpr char kEtc[] = "/etc";
// More files mounted below /etc than any container has.
constexpr size_t kMaxMounts = 64;
constexpr size_t kMostAtOnce = 1 << 20;

Result<void> Write(const std::string& path, const std::string& text, mode_t mode) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file || fchmod(file.get(), mode) != 0 ||
      write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return SystemError("write '" + path + "'");
  }
  return {};
}

// The whole of `source`, wherever it was read to.
Result<void> Copy(const UniqueFd& source, const std::string& path, mode_t mode) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file || fchmod(file.get(), mode) != 0) return SystemError("write '" + path + "'");
  off_t copied = 0;
  for (;;) {
    const ssize_t more = sendfile(file.get(), source.get(), &copied, kMostAtOnce);
    if (more < 0) return SystemError("copy to '" + path + "'");
    if (more == 0) break;
  }
  return copied > 0 ? Result<void>() : Error{"copy to '" + path + "': there is nothing to copy"};
}

Result<void> MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return SystemError("make '" + path + "'");
  return {};
}

Result<void> Bind(const std::string& source, const std::string& target) {
  if (mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return SystemError("mount over '" + target + "'");
  }
  return {};
}

// A Unix socket is connected to all the same.
Result<void> BindReadOnly(const std::string& source, const std::string& target) {
  constexpr unsigned long kReadOnly = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (auto bound = Bind(source, target); !bound) return bound;
  if (mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | kReadOnly, nullptr) != 0) {
    return SystemError("make '" + target + "' read-only");
  }
  return {};
}

// What is mounted below /etc, held open.
std::vector<std::pair<std::string, UniqueFd>> MountsBelowEtc() {
  std::vector<std::pair<std::string, UniqueFd>> mounts;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line) && mounts.size() < kMaxMounts;) {
    std::istringstream fields(line);
    std::string skipped;
    std::string point;
    fields >> skipped >> skipped >> skipped >> skipped >> point;
    if (!point.starts_with(std::string(kEtc) + "/")) continue;
    UniqueFd held(open(point.c_str(), O_PATH | O_CLOEXEC));
    if (held) mounts.emplace_back(point, std::move(held));
  }
  return mounts;
}

// `directory`'s files in front of those of /etc.
Result<void> OverlayEtc(const std::string& directory) {
  const auto mounts = MountsBelowEtc();
  const UniqueFd upper(open(directory.c_str(), O_PATH | O_CLOEXEC));
  const std::string options = "lowerdir=" + PathThrough(upper) + ":" + kEtc;
  if (!upper || mount("namegate", kEtc, "overlay", MS_RDONLY, options.c_str()) != 0) {
    return SystemError("mount an overlay over /etc (which ordinary users may since Linux 5.11)");
  }
  for (const auto& [point, held] : mounts) {
    if (auto bound = Bind(PathThrough(held), point); !bound) return bound;
  }
  return {};
}

}  // namespace

Result<InnerGate> InnerGate::Plan(const std::string& library, std::string session_directory) {
  InnerGate gate;
  gate.library_.Reset(open(library.c_str(), O_RDONLY | O_CLOEXEC));
  if (!gate.library_) return SystemError("read '" + library + "'");
  gate.session_directory_ = std::move(session_directory);
  const bool there = access(kPreloadFile, F_OK) == 0;
  gate.overlay_ = geteuid() != 0;
  if (there || gate.overlay_) {
    gate.preload_ = std::string(kInnerLibrary) + "\n" + ContentOf(kPreloadFile);
  }
  return gate;
}

Result<void> InnerGate::Install(const std::string& scratch) const {
  const UniqueFd session(open(session_directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!session) return SystemError("open '" + session_directory_ + "'");
  if (mount("namegate", scratch.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m") != 0) {
    return SystemError("mount a tmpfs over '" + scratch + "'");
  }
  auto done = Fill(scratch);
  if (done) done = Mount(scratch);
  if (done) done = BindReadOnly(PathThrough(session), kInnerSession);
  if (umount2(scratch.c_str(), MNT_DETACH) != 0 && done) {
    return SystemError("unmount '" + scratch + "'");
  }
  return done;
}

// The files as they will lie below /etc.
Result<void> InnerGate::Fill(const std::string& directory) const {
  const std::string inner = directory + (kInnerDirectory + std::strlen(kEtc));
  if (auto made = MakeDirectory(inner); !made) return made;
  if (auto made = MakeDirectory(directory + (kInnerSession + std::strlen(kEtc))); !made) {
    return made;
  }
  if (auto copied = Copy(library_, directory + (kInnerLibrary + std::strlen(kEtc)), 0755);
      !copied) {
    return copied;
  }
  if (preload_.empty()) return {};
  return Write(directory + (kPreloadFile + std::strlen(kEtc)), preload_, 0644);
}

Result<void> InnerGate::Mount(const std::string& directory) const {
  if (overlay_) return OverlayEtc(directory);
  // An empty directory stays behind on a host that has none: it is where the configuration goes.
  if (auto made = MakeDirectory(kInnerDirectory); !made) return made;
  const std::string inner = directory + (kInnerDirectory + std::strlen(kEtc));
  if (auto bound = Bind(inner, kInnerDirectory); !bound || preload_.empty()) return bound;
  return Bind(directory + (kPreloadFile + std::strlen(kEtc)), kPreloadFile);
}

std::map<std::string, std::string> InnerGate::Environment() const {
  // The gate finds its socket in its place; one of an outer session's is not reachable from here.
  std::map<std::string, std::string> environment = {{kGateSocketVariable, ""}};
  const char* theirs = std::getenv("LD_PRELOAD");
  std::string others = theirs != nullptr ? theirs : "";
  // That of an outer session would ask nobody.
  if (others.starts_with(kInnerLibrary)) {
    others.erase(0, std::strlen(kInnerLibrary));
    others.erase(0, others.find_first_not_of(": "));
  }
  if (!preload_.empty()) {
    environment["LD_PRELOAD"] = others;
  } else {
    environment["LD_PRELOAD"] = kInnerLibrary + (others.empty() ? "" : ":" + others);
  }
  return environment;
}

}  // namespace namegate::command
