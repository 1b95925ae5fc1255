#include "resolver/listen_unix.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/system_error.h"

namespace namegate::resolver {
namespace {

Error ListenError(const std::string& path) {
  return SystemError("listen for gates at '" + path + "'");
}

}  // namespace

Result<UniqueFd> ListenUnix(const std::string& path, mode_t mode) {
  const std::string fresh = path + "~";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fresh.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return ListenError(path);
  }
  fresh.copy(address.sun_path, fresh.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return ListenError(path);
  unlink(fresh.c_str());
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(fresh.c_str(), mode) != 0 || listen(socket.get(), SOMAXCONN) != 0 ||
      rename(fresh.c_str(), path.c_str()) != 0) {
    return ListenError(path);
  }
  return socket;
}

}  // namespace namegate::resolver
