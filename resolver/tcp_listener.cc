#include "resolver/tcp_listener.h"

#include <algorithm>
#include <utility>

#include "resolver/framing.h"
#include "resolver/log.h"

namespace namegate::resolver {
namespace {

constexpr int kBacklog = 128;

Endpoint PeerOf(uv_tcp_t* socket) {
  sockaddr_storage storage{};
  int length = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (uv_tcp_getpeername(socket, address, &length) != 0) return {};
  const auto peer = IpAddress::FromSockaddr(address);
  if (!peer) return {};
  return {*peer, ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port)};
}

}  // namespace

TcpConnection::TcpConnection(TcpListener& listener, UvHandle<uv_tcp_t> socket, Endpoint client)
    : listener_(listener), client_(client), socket_(std::move(socket)) {
  socket_->data = this;
  buffer_.resize(kMaxQuery);
  idle_.Make(this, [&](uv_timer_t* timer) { return uv_timer_init(listener.loop_, timer); });
  next_turn_.Make(this, [&](uv_timer_t* timer) { return uv_timer_init(listener.loop_, timer); });
}

void TcpConnection::Start(const std::shared_ptr<TcpConnection>& self) {
  self_ = self;
  RestartIdleTimer();
  Read();
}

void TcpConnection::RestartIdleTimer() {
  uv_timer_start(
      idle_.get(), [](uv_timer_t* timer) { static_cast<TcpConnection*>(timer->data)->Close(); },
      kIdle_ms, 0);
}

void TcpConnection::Read() {
  const bool want = receiving_ && !resting_ && in_flight_ < kMaxInFlight;
  if (want == reading_) return;
  reading_ = want;
  if (!want) {
    uv_read_stop(socket_.stream());
    return;
  }
  uv_read_start(
      socket_.stream(),
      [](uv_handle_t* handle, size_t, uv_buf_t* space) {
        auto& room = static_cast<TcpConnection*>(handle->data)->buffer_;
        *space = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* space) {
        static_cast<TcpConnection*>(stream->data)->OnRead(count, space->base);
      });
}

void TcpConnection::OnRead(ssize_t count, const char* bytes) {
  if (count == 0) return;
  if (count < 0) {
    // The client may have closed its half only: what it asked is still answered (RFC 7766 §6.2.4).
    StopReceiving();
    return;
  }
  received_.append(bytes, static_cast<size_t>(count));
  const auto alive = self_.lock();  // what was read may close the connection
  resting_ = true;
  TakeQueries();
  if (socket_) LetOthersTurn();
}

// libuv would read on for as long as there is more. One buffer in a turn of the loop is what a
// connection gets; a flood, of which nothing is answered, gets less.
void TcpConnection::LetOthersTurn() {
  uv_timer_start(
      next_turn_.get(),
      [](uv_timer_t* timer) {
        auto* self = static_cast<TcpConnection*>(timer->data);
        self->resting_ = false;
        self->Read();
      },
      std::exchange(ignored_, false) ? kPause_ms : 0, 0);
}

void TcpConnection::TakeQueries() {
  const auto alive = self_.lock();  // a handler may close the session and so this connection
  size_t at = 0;
  while (socket_ && receiving_ && in_flight_ < kMaxInFlight) {
    const auto length = FramedLength(received_, at);
    if (!length) break;
    if (*length > kMaxQuery) return Close();
    if (received_.size() - at < kLengthPrefix + *length) break;
    ++in_flight_;
    RestartIdleTimer();  // for whole queries only: octet by octet anyone could stay for ever
    const auto query = OctetsOf(received_).subspan(at + kLengthPrefix, *length);
    at += kLengthPrefix + *length;
    listener_.handler_({.bytes = query,
                        .client = client_,
                        .transport = Transport::kTcp,
                        .session = listener_.session_,
                        .sink = alive});
  }
  received_.erase(0, at);
  if (socket_) Read();
}

void TcpConnection::Send(const Endpoint&, std::string bytes) {
  if (!socket_) return;
  --in_flight_;
  if (socket_.stream()->write_queue_size > kMaxUnsent) return Close();
  struct Write {
    uv_write_t request;
    std::string bytes;
    std::weak_ptr<TcpConnection> connection;
  };
  auto* write = new Write{};
  write->request.data = write;
  write->connection = self_;
  write->bytes = Framed(bytes);
  const uv_buf_t buffer =
      uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  const int code =
      uv_write(&write->request, socket_.stream(), &buffer, 1, [](uv_write_t* done, int status) {
        const std::unique_ptr<Write> finished(static_cast<Write*>(done->data));
        const auto connection = finished->connection.lock();
        if (!connection || !connection->socket_) return;
        if (status != 0) return connection->Close();
        if (!connection->receiving_ && connection->in_flight_ == 0) connection->Close();
      });
  if (code != 0) {
    delete write;
    return Close();
  }
  TakeQueries();
}

void TcpConnection::StopReceiving() {
  if (!socket_) return;
  receiving_ = false;
  Read();
  if (in_flight_ == 0 && socket_.stream()->write_queue_size == 0) Close();
}

void TcpConnection::Close() {
  if (!socket_) return;
  Abandon();
  listener_.Forget(this);
}

void TcpConnection::Abandon() {
  socket_.Reset();
  idle_.Reset();
  next_turn_.Reset();
}

TcpListener::TcpListener(uv_loop_t* loop, UniqueFd socket, int64_t session, QueryHandler handler)
    : loop_(loop), session_(session), handler_(std::move(handler)) {
  socket_.Make(this, [&](uv_tcp_t* tcp) { return uv_tcp_init(loop, tcp); });
  uv_tcp_open(socket_.get(), socket.Release());
  const int code = uv_listen(socket_.stream(), kBacklog, [](uv_stream_t* server, int status) {
    static_cast<TcpListener*>(server->data)->OnConnection(status);
  });
  if (code != 0) LogError(std::string("listen on a session's TCP address: ") + uv_strerror(code));
}

TcpListener::~TcpListener() {
  // Whoever still holds one of them for the moment must not come back to this listener.
  for (const auto& connection : connections_) connection->Abandon();
}

void TcpListener::OnConnection(int status) {
  if (status != 0) return;
  UvHandle<uv_tcp_t> accepted;
  accepted.Make(this, [&](uv_tcp_t* tcp) { return uv_tcp_init(loop_, tcp); });
  if (uv_accept(socket_.stream(), accepted.stream()) != 0) return;
  const Endpoint peer = PeerOf(accepted.get());
  if (!HasRoomFor(peer.address)) return;  // `accepted` closes it
  auto connection = std::make_shared<TcpConnection>(*this, std::move(accepted), peer);
  connections_.insert(connection);
  connection->Start(connection);
}

bool TcpListener::HasRoomFor(const IpAddress& client) const {
  const auto held =
      std::count_if(connections_.begin(), connections_.end(),
                    [&](const auto& connection) { return connection->client() == client; });
  return static_cast<size_t>(held) < kMaxConnections - connections_.size();
}

void TcpListener::Forget(TcpConnection* connection) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& held) { return held.get() == connection; });
  if (found != connections_.end()) connections_.erase(found);
}

void TcpListener::StopReceiving() {
  socket_.Reset();
  const auto connections = connections_;  // closing one takes it out of the set
  for (const auto& connection : connections) connection->StopReceiving();
}

}  // namespace namegate::resolver
