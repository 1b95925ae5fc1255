#include "gate/command/owned_session.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/endpoint.h"
#include "common/random.h"
#include "common/system_error.h"
#include "gate/command/daemon.h"

namespace namegate::command {
namespace {

// A drawn address may be taken by another session.
constexpr int kListenAttempts = 8;

std::string DrawListenAddress() {
  const uint32_t random = RandomU32();
  const auto address =
      IpAddress::V4(127, static_cast<uint8_t>(128 + random % 64), static_cast<uint8_t>(random >> 8),
                    static_cast<uint8_t>(1 + (random >> 16) % 254));
  return Endpoint{address, static_cast<uint16_t>(20'000 + RandomU32() % 12'000)}.ToText();
}

bool HasGone(int fd) {
  char octet = 0;
  return recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0 ||
         (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace

Result<OwnedSession> OwnedSession::Open(const CommonOptions& common,
                                        const std::vector<std::string>& upstreams,
                                        nlohmann::json request, bool own_port) {
  auto daemon = FindOrStartDaemon(common, upstreams);
  if (!daemon) return daemon.error();
  request["command"] = "session.open";
  request["owned"] = true;
  auto place = DaemonPlace::Open(common);
  if (!place) return place.error();
  OwnedSession session(std::move(place).value(), std::move(daemon).value(), std::move(request));
  if (auto opened = session.AskForSession(own_port); !opened) return opened.error();
  if (auto held = session.HoldDirectory(); !held) return held.error();
  return session;
}

Result<void> OwnedSession::AskForSession(bool own_port) {
  for (int attempt = 1;; ++attempt) {
    if (own_port) request_["listen"] = DrawListenAddress();
    auto response = CallDaemon(daemon_.client, request_);
    if (!response && own_port && attempt < kListenAttempts) continue;
    if (!response) return response.error();
    auto session = SessionOf(*response);
    if (!session) return session.error();
    info_ = std::move(session).value();
    return {};
  }
}

// Whatever becomes of the names above it.
Result<void> OwnedSession::HoldDirectory() {
  const auto path = std::filesystem::path(info_.gate_socket).parent_path();
  directory_.Reset(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory_) return {};
  return SystemError("open '" + path.string() + "'");
}

Result<ControlClient> OwnedSession::FindDaemonAgain() const {
  if (!daemon_.exits_when_idle) return place_.Connect();
  auto found = place_.FindOrStart(daemon_.upstreams);
  if (!found) return found.error();
  return std::move(found->client);
}

Result<void> OwnedSession::Attend() {
  if (state_ == State::kLost) return {};
  if (state_ == State::kOpen && !HasGone(daemon_.client.fd())) return {};
  state_ = State::kAway;
  // A daemon that closes a session removes its socket; one that is killed leaves it.
  const std::string gate = std::filesystem::path(info_.gate_socket).filename().string();
  if (faccessat(directory_.get(), gate.c_str(), F_OK, 0) != 0 && errno == ENOENT) {
    state_ = State::kLost;
    return Error{"the daemon was stopped, and the session closed"};
  }
  auto daemon = FindDaemonAgain();
  if (!daemon) return {};
  auto adopted = daemon->Call({{"command", "session.adopt"},
                               {"session", info_.id},
                               {"preload", request_.value("preload", false)}});
  if (!adopted) {
    state_ = State::kLost;
    return Error{"the daemon came back without the session: " + adopted.error().message};
  }
  daemon_.client = std::move(daemon).value();
  state_ = State::kOpen;
  restarted_ = true;
  return {};
}

Result<void> OwnedSession::Close() {
  // The kernel forgets a directory that was removed when nobody holds it any more: that is for the
  // daemon to wait for, which has something else to do meanwhile.
  directory_.Reset();
  auto closed = Call({{"command", "session.close"}, {"session", info_.id}});
  return closed ? Result<void>() : closed.error();
}

}  // namespace namegate::command
