#include "resolver/gate_service.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "common/escape.h"
#include "resolver/wall_clock.h"

namespace namegate::resolver {
namespace {

Error ListenError(const std::string& path) {
  return Error{"listen for gates at '" + path + "': " + std::strerror(errno)};
}

pid_t PeerOf(int socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  return peer.pid;
}

// The name of a process's program, as it chose it; empty if it is gone already.
std::string ProgramOf(int64_t pid) {
  if (pid <= 0) return {};
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

GateReply ReplyFor(Verdict verdict, Reason reason, bool quiet, const std::string& message) {
  GateReply reply{};
  reply.magic = kGateMagic;
  reply.version = kGateVersion;
  reply.size = sizeof reply;
  reply.verdict = verdict == Verdict::kAllow ? 1 : 0;
  reply.quiet = quiet ? 1 : 0;
  reply.reason = static_cast<uint16_t>(reason);
  Printable(message).copy(reply.message, sizeof reply.message - 1);
  return reply;
}

void SendReply(int socket, const GateReply& reply) {
  // One small packet into an empty socket buffer: it fits, or the peer is gone.
  [[maybe_unused]] const ssize_t sent =
      send(socket, &reply, sizeof reply, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool IsHello(const GateRequest& request, size_t size) {
  return size == sizeof request && request.magic == kGateMagic && request.version == kGateVersion &&
         request.operation == static_cast<uint8_t>(GateOperation::kHello);
}

}  // namespace

Result<std::unique_ptr<GateService>> GateService::Listen(uv_loop_t* loop, const std::string& path,
                                                         std::shared_ptr<Session> session,
                                                         LedgerWriter& ledger, LeaseTerms terms) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return ListenError(path);
  }
  path.copy(address.sun_path, path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return ListenError(path);
  unlink(path.c_str());
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0666) != 0 || listen(socket.get(), SOMAXCONN) != 0) {
    return ListenError(path);
  }
  return std::unique_ptr<GateService>(
      new GateService(loop, path, std::move(socket), std::move(session), ledger, terms));
}

GateService::GateService(uv_loop_t* loop, std::string path, UniqueFd socket,
                         std::shared_ptr<Session> session, LedgerWriter& ledger, LeaseTerms terms)
    : loop_(loop),
      path_(std::move(path)),
      socket_(std::move(socket)),
      session_(std::move(session)),
      ledger_(ledger),
      terms_(terms) {
  poll_.Make(this, [&](uv_poll_t* poll) { return uv_poll_init(loop, poll, socket_.get()); });
  Watch();
}

GateService::~GateService() {
  unlink(path_.c_str());
  for (const auto& connection : connections_) connection->service = nullptr;
}

void GateService::Watch() {
  uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int, int) {
    static_cast<GateService*>(poll->data)->AcceptAll();
  });
}

void GateService::AcceptAll() {
  while (connections_.size() < kMaxConnections) {
    UniqueFd accepted(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted) return;
    Adopt(std::move(accepted));
  }
  paused_ = true;
  uv_poll_stop(poll_.get());
}

void GateService::Adopt(UniqueFd socket) {
  const auto connection = std::make_shared<Connection>();
  connection->service = this;
  connection->socket = std::move(socket);
  connection->place = connections_.insert(connections_.end(), connection);
  // The request has mostly arrived with the connection; only if not is there something to wait for.
  if (TryRequest(*connection)) return;
  connection->poll.Make(connection.get(), [&](uv_poll_t* poll) {
    return uv_poll_init(loop_, poll, connection->socket.get());
  });
  uv_poll_start(connection->poll.get(), UV_READABLE, [](uv_poll_t* poll, int, int) {
    auto* waiting = static_cast<Connection*>(poll->data);
    waiting->service->TryRequest(*waiting);
  });
  connection->timer.Make(connection.get(),
                         [&](uv_timer_t* timer) { return uv_timer_init(loop_, timer); });
  uv_timer_start(
      connection->timer.get(),
      [](uv_timer_t* timer) {
        auto* silent = static_cast<Connection*>(timer->data);
        silent->service->Forget(*silent);
      },
      kSilence_ms, 0);
}

bool GateService::TryRequest(Connection& connection) {
  const std::shared_ptr<Connection> held = *connection.place;  // Forget() drops the list's share
  RelayRequest request{};
  // MSG_TRUNC: the true length of the packet, so that a longer one is seen as wrong.
  const ssize_t got = recv(held->socket.get(), &request, sizeof request, MSG_DONTWAIT | MSG_TRUNC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  held->poll.Reset();
  held->timer.Reset();
  if (got <= 0) {
    Forget(*held);
  } else if (const auto size = static_cast<size_t>(got); IsHello(request.request, size)) {
    ++session_->counters.hellos;
    SendReply(held->socket.get(), ReplyFor(Verdict::kAllow, Reason::kRule, true, ""));
    Forget(*held);
  } else {
    Answer(held, request, size);
  }
  return true;
}

void GateService::Answer(const std::shared_ptr<Connection>& connection, const RelayRequest& request,
                         size_t size) {
  const GateVerdict verdict = JudgeGateRequest(*session_, request, size, terms_);
  const int64_t pid = verdict.relayed_pid ? int64_t{*verdict.relayed_pid}
                                          : int64_t{PeerOf(connection->socket.get())};
  ConnectionRow row;
  row.id = ledger_.NextConnectionId();
  row.time_us = NowMicroseconds();
  row.session = session_->id;
  row.gate = verdict.relayed_pid ? "enclave" : "preload";
  row.pid = pid;
  row.process = ProgramOf(pid);
  row.protocol = verdict.protocol;
  row.destination = verdict.destination;
  row.verdict = verdict.verdict;
  row.reason = verdict.reason;
  row.rule = verdict.rule;
  row.name = verdict.name;
  row.query_id = verdict.query_id;
  ++session_->counters.connections;
  if (verdict.verdict == Verdict::kDeny) ++session_->counters.denials;
  const GateReply reply = ReplyFor(verdict.verdict, verdict.reason, verdict.quiet, verdict.message);
  ledger_.Submit(std::move(row), [connection, reply](bool committed) {
    if (connection->service == nullptr) return;  // the session closed meanwhile
    SendReply(connection->socket.get(),
              committed ? reply
                        : ReplyFor(Verdict::kDeny, Reason::kLedgerUnavailable, false,
                                   "denied: the ledger cannot be written, so nothing connects"));
    connection->service->Forget(*connection);
  });
}

void GateService::Forget(Connection& connection) {
  connection.poll.Reset();
  connection.timer.Reset();
  connection.service = nullptr;
  connections_.erase(connection.place);
  if (paused_) {
    paused_ = false;
    Watch();
  }
}

}  // namespace namegate::resolver
