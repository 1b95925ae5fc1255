#include "common/control_protocol.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/peer_namespace.h"
#include "common/system_error.h"

namespace namegate {
namespace {

Result<void> SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return SystemError("send to the daemon");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

}  // namespace

bool LineSplitter::Append(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() <= kMaxControlLine || buffer_.find('\n') <= kMaxControlLine;
}

std::optional<std::string> LineSplitter::Next() {
  const size_t newline = buffer_.find('\n');
  if (newline == std::string::npos) return std::nullopt;
  std::string line = buffer_.substr(0, newline);
  buffer_.erase(0, newline + 1);
  return line;
}

Result<ControlClient> ControlClient::Connect(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) {
    return Error{"connect to '" + socket_path + "': the path is too long for a Unix socket"};
  }
  socket_path.copy(address.sun_path, socket_path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return SystemError("open a socket");
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Error{"no daemon answers at '" + socket_path + "' (" + std::strerror(errno) +
                 "); start one with: namegated --state-dir DIR"};
  }
  // Whoever may write in a directory above can put a socket there, a command in an enclave too.
  if (UserNamespaceOfPeer(socket.get()) == PeerNamespace::kAnother) {
    return Error{"what answers at '" + socket_path +
                 "' is in another user namespace, so it is no daemon to be trusted"};
  }
  return ControlClient(std::move(socket));
}

Result<nlohmann::json> ControlClient::Call(const nlohmann::json& request) {
  if (auto sent = SendAll(socket_.get(), request.dump() + "\n"); !sent) return sent.error();
  std::optional<std::string> line;
  while (!(line = lines_.Next())) {
    char buffer[4096];
    const ssize_t got = recv(socket_.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("read from the daemon");
    if (got == 0) return Error{"the daemon closed the connection; see namegated.log"};
    if (!lines_.Append({buffer, static_cast<size_t>(got)})) {
      return Error{"the daemon sent a line that is too long"};
    }
  }
  auto response = nlohmann::json::parse(*line, nullptr, /*allow_exceptions=*/false);
  if (!response.is_object() || !response.contains("ok") || !response["ok"].is_boolean()) {
    return Error{"the daemon sent something else than a response"};
  }
  if (!response["ok"].get<bool>()) {
    return Error{response.contains("error") && response["error"].is_string()
                     ? response["error"].get<std::string>()
                     : "the daemon refused without saying why"};
  }
  return response;
}

}  // namespace namegate
