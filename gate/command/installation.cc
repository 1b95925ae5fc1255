#include "gate/command/installation.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "common/escape.h"

namespace namegate::command {
namespace {

namespace fs = std::filesystem;

Result<std::string> FindFile(const std::string& name, const std::vector<fs::path>& places) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return Error{"find this program (/proc/self/exe): " + error.message()};
  std::string looked_at;
  for (const fs::path& place : places) {
    const fs::path file = (self.parent_path() / place / name).lexically_normal();
    if (fs::is_regular_file(file, error)) return file.string();
    looked_at += (looked_at.empty() ? "" : ", ") + file.string();
  }
  return Error{name + " is not installed with this namegate; looked for " + looked_at};
}

}  // namespace

Result<std::string> FindDaemon() {
  return FindFile("namegated", {".", "../sbin", "../libexec/namegate"});
}

Result<std::string> FindGateLibrary() {
  auto library = FindFile("libnamegate.so",
                          {"../lib", "../" NAMEGATE_INSTALL_LIBDIR, "../lib/namegate", "../lib64"});
  if (library && library->find_first_of(" :\t\n") != std::string::npos) {
    // ld.so(8): the items of LD_PRELOAD are separated by spaces or colons, without any quoting.
    return Error{"LD_PRELOAD cannot name '" + Printable(*library) +
                 "': a path with a space or a colon; install Namegate elsewhere"};
  }
  return library;
}

}  // namespace namegate::command
