#include "gate/command/masked_sockets.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "common/escape.h"
#include "gate/enclave/enclave.h"

namespace namegate::command {
namespace {

namespace fs = std::filesystem;
using Paths = std::set<fs::path>;

// Empty if there is nothing of that name.
fs::path RealPath(const fs::path& path) {
  std::error_code ignored;
  return fs::canonical(path, ignored);
}

std::vector<fs::path> EntriesOf(const fs::path& directory) {
  std::error_code ignored;
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) entries.push_back(entry);
  return entries;
}

// True if there is nothing but sockets in it, and nobody expects to find or put other things there.
bool IsForSockets(const fs::path& directory) {
  for (const char* variable : {"HOME", "XDG_RUNTIME_DIR", "TMPDIR"}) {
    const char* shared = std::getenv(variable);
    if (shared != nullptr && directory == RealPath(shared)) return false;
  }
  std::error_code error;
  const fs::path working = fs::current_path(error) / "";
  if (working.string().starts_with((directory / "").string())) return false;
  const fs::perms mode = fs::status(directory, error).permissions();
  if (error || directory == "/run" || (mode & fs::perms::others_write) != fs::perms::none) {
    return false;
  }
  const auto entries = EntriesOf(directory);
  return !entries.empty() && std::ranges::all_of(entries, [](const fs::path& entry) {
    std::error_code ignored;
    return fs::is_socket(fs::symlink_status(entry, ignored));
  });
}

// False if it was not masked. Others in a directory that was masked whole are masked by themselves.
bool Expose(const fs::path& path, Paths& masked) {
  bool found = masked.erase(path) > 0;
  if (masked.erase(path.parent_path()) > 0) {
    found = true;
    for (const fs::path& entry : EntriesOf(path.parent_path())) masked.insert(entry);
    masked.erase(path);
  }
  return found;
}

Masks MasksFor(const Paths& masked, const Paths& exposed) {
  const auto holds_exposed = [&](const fs::path& directory) {
    return std::ranges::any_of(
        exposed, [&](const fs::path& path) { return path.parent_path() == directory; });
  };
  std::error_code ignored;
  Paths directories;
  for (const fs::path& path : masked) {
    const fs::path parent = path.parent_path();
    if (fs::is_directory(path, ignored)) {
      directories.insert(path);
    } else if (!holds_exposed(parent) && IsForSockets(parent)) {
      directories.insert(parent);
    }
  }
  Masks masks;
  for (const fs::path& path : directories) masks.directories.push_back(path.string());
  for (const fs::path& path : masked) {
    if (directories.contains(path) || directories.contains(path.parent_path())) continue;
    masks.files.push_back({path.string(), ""});
  }
  return masks;
}

}  // namespace

Result<Masks> PlanMasks(const std::vector<std::string>& further,
                        const std::vector<std::string>& exposed) {
  Paths masked;
  for (const auto& list : {enclave::SocketsThatLeadOut(), further}) {
    for (const std::string& path : list) masked.insert(RealPath(path));
  }
  masked.erase("");
  Paths shown;
  for (const std::string& path : exposed) {
    const fs::path real = RealPath(path);
    if (real.empty()) {
      return Error{"--expose: there is no '" + Printable(path) + "' on this host"};
    }
    if (!shown.insert(real).second || Expose(real, masked)) continue;
    return Error{"--expose: '" + Printable(path) +
                 "' is not among what is hidden from the command, so it need not be exposed"};
  }
  return MasksFor(masked, shown);
}

}  // namespace namegate::command
