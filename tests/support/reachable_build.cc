#include "tests/support/reachable_build.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace namegate::testing {
namespace {

namespace fs = std::filesystem;

bool OthersReach(const fs::path& path) {
  for (fs::path at = path; at != at.root_path(); at = at.parent_path()) {
    struct stat status {};
    if (stat(at.c_str(), &status) != 0 || (status.st_mode & S_IXOTH) == 0) return false;
  }
  return true;
}

// A directory that every Debian has and no test looks into.
std::string PlaceFor(const fs::path& build) {
  return build.string().starts_with("/mnt/") ? "/media" : "/mnt";
}

}  // namespace

void MakeBuildReachable(char** arguments) {
  std::error_code unread;
  const fs::path program = fs::read_symlink("/proc/self/exe", unread);
  if (geteuid() != 0 || unread || OthersReach(program)) return;
  const fs::path build = program.parent_path().parent_path();
  const std::string place = PlaceFor(build);
  const std::string there = place + "/build";
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0 ||
      mount("build", place.c_str(), "tmpfs", 0, "mode=0755,size=4k") != 0 ||
      mkdir(there.c_str(), 0755) != 0 ||
      mount(build.c_str(), there.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return;
  }
  const std::string again = there + "/" + program.lexically_relative(build).string();
  execv(again.c_str(), arguments);
}

}  // namespace namegate::testing
