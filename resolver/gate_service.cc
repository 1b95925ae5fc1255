#include "resolver/gate_service.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/escape.h"
#include "resolver/listen_unix.h"

namespace namegate::resolver {
namespace {

pid_t PeerOf(int socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  return peer.pid;
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
  return size == sizeof request && request.size == size && request.magic == kGateMagic &&
         request.version == kGateVersion && request.reserved == 0 &&
         request.operation == static_cast<uint8_t>(GateOperation::kHello);
}

}  // namespace

Result<std::unique_ptr<GateService>> GateService::Listen(uv_loop_t* loop, const std::string& path,
                                                         std::shared_ptr<Session> session,
                                                         LedgerWriter& ledger, LeaseTerms terms) {
  auto socket = ListenUnix(path, 0666);
  if (!socket) return socket.error();
  return std::unique_ptr<GateService>(
      new GateService(loop, path, std::move(socket).value(), std::move(session), ledger, terms));
}

GateService::GateService(uv_loop_t* loop, std::string path, UniqueFd socket,
                         std::shared_ptr<Session> session, LedgerWriter& ledger, LeaseTerms terms)
    : loop_(loop),
      path_(std::move(path)),
      socket_(std::move(socket)),
      session_(std::move(session)),
      ledger_(ledger),
      attempts_(loop, session_, ledger, "preload"),
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
  GateRequest request{};
  // MSG_TRUNC: the true length of the packet, so that a longer one is seen as wrong.
  const ssize_t got = recv(held->socket.get(), &request, sizeof request, MSG_DONTWAIT | MSG_TRUNC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  held->poll.Reset();
  held->timer.Reset();
  if (got <= 0) {
    Forget(*held);
  } else if (const auto size = static_cast<size_t>(got); IsHello(request, size)) {
    ++session_->counters.hellos;
    SendReply(held->socket.get(), ReplyFor(Verdict::kAllow, Reason::kRule, true, ""));
    Forget(*held);
  } else {
    Answer(held, request, size);
  }
  return true;
}

void GateService::Answer(const std::shared_ptr<Connection>& connection, const GateRequest& request,
                         size_t size) {
  const GateVerdict verdict = JudgeGateRequest(*session_, request, size, terms_);
  const pid_t pid = PeerOf(connection->socket.get());
  const GateReply reply = ReplyFor(verdict.verdict, verdict.reason, verdict.quiet, verdict.message);
  std::shared_ptr<FreshAllow> allow;
  if (verdict.verdict == Verdict::kAllow && session_->gate == "enclave") {
    allow = std::make_shared<FreshAllow>();
    session_->fresh_allows.Add(verdict.protocol, *verdict.destination, pid, allow,
                               FreshAllows::Clock::now());
    // Where rows are refused, who explains denials says so, rather than the wall.
    if (session_->walled && ledger_.trouble().empty()) {
      SendReply(connection->socket.get(), reply);
      Forget(*connection);
    }
  }
  attempts_.Record(pid, verdict, [connection, allow, reply](bool committed, int64_t id) {
    if (allow) allow->Settle(committed, id);
    if (connection->service == nullptr) return;  // answered, or the session closed meanwhile
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
