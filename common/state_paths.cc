#include "common/state_paths.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace namegate {
namespace {

std::string FromEnvironment(const char* variable, const char* below_home) {
  if (const char* value = std::getenv(variable); value != nullptr && value[0] == '/') return value;
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "/") + below_home;
}

Error CannotCreate(const std::string& directory, const char* why) {
  return Error{"create state directory '" + directory + "': " + why};
}

Result<void> CreateDirectory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return CannotCreate(directory, error.message().c_str());
  // 0711: the gate sockets inside are for the gated processes, whoever they run as.
  if (chmod(directory.c_str(), 0711) == 0) return {};
  return CannotCreate(directory, errno == EPERM
                                     ? "it belongs to another user; choose your own (--state-dir)"
                                     : std::strerror(errno));
}

}  // namespace

std::string StatePaths::DefaultDirectory() {
  if (geteuid() == 0) return "/var/lib/namegate";
  return FromEnvironment("XDG_STATE_HOME", "/.local/state") + "/namegate";
}

std::string StatePaths::DefaultConfigFile() {
  if (geteuid() == 0) return "/etc/namegate/namegate.toml";
  return FromEnvironment("XDG_CONFIG_HOME", "/.config") + "/namegate/namegate.toml";
}

Result<void> StatePaths::Create() const {
  // One more, as a socket is made beside the place that it then takes.
  const size_t longest = relay_socket(std::string(2 * kTokenBytes, 'x')).size() + 1;
  if (longest >= sizeof(sockaddr_un::sun_path)) {
    return CannotCreate(directory_, "the path is too long for Unix sockets; choose a shorter one");
  }
  if (auto made = CreateDirectory(directory_); !made) return made;
  return CreateDirectory(gate_directory());
}

}  // namespace namegate
