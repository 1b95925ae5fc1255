#include "resolver/tls_channel.h"

#include <vector>

#include "common/network_order.h"
#include "resolver/framing.h"
#include "resolver/log.h"
#include "resolver/message_builder.h"

namespace namegate::resolver {
namespace {

constexpr size_t kBuffer = 16'384;

}  // namespace

TlsChannel::TlsChannel(uv_loop_t* loop, UpstreamAddress upstream)
    : loop_(loop), upstream_(std::move(upstream)), buffer_(kBuffer, '\0') {
  timer_.Make(this, [loop](uv_timer_t* timer) { return uv_timer_init(loop, timer); });
}

uint64_t TlsChannel::Ask(uint16_t id, std::string question_wire, Done done) {
  const uint64_t ticket = next_ticket_++;
  Pending& pending = pending_[ticket];
  pending.id = id;
  pending.question_wire = std::move(question_wire);
  pending.done = std::move(done);
  pending.reads_before = reads_;
  waiting_[ticket] = &pending;
  StartSoon();
  return ticket;
}

// From the loop: nobody's `done` may be called before what they called has returned.
void TlsChannel::StartSoon() {
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) {
        auto* self = static_cast<TlsChannel*>(timer->data);
        self->socket_ ? self->SendWaiting() : self->Connect();
      },
      0, 0);
}

// A question that is given up although nothing at all came since it was asked: the connection leads
// nowhere any more, as when the network was changed under it or a router between forgot it. The
// kernel would try for a quarter of an hour. What else was asked over it is asked over the next.
void TlsChannel::Cancel(uint64_t ticket) {
  const auto found = pending_.find(ticket);
  if (found == pending_.end()) return;
  const bool silent = found->second.reads_before == reads_;
  waiting_.erase(ticket);
  pending_.erase(found);
  if (!silent || !socket_) return;
  Close();
  for (auto& [other, pending] : pending_) waiting_[other] = &pending;
  if (!waiting_.empty()) StartSoon();
}

void TlsChannel::Connect() {
  if (!context_) {
    auto context = TlsSession::MakeContext();
    if (!context) return Lost(Failure::kUnreachable, context.error().message);
    context_ = std::move(context).value();
  }
  auto tls = TlsSession::Connect(context_, upstream_);
  if (!tls) return Lost(Failure::kUnreachable, tls.error().message);
  tls_.emplace(std::move(tls).value());
  ++connections_;
  answered_ = false;
  socket_.Make(this, [&](uv_tcp_t* tcp) { return uv_tcp_init(loop_, tcp); });
  sockaddr_storage peer;
  upstream_.endpoint.address.ToSockaddr(upstream_.endpoint.port, &peer);
  auto* request = new uv_connect_t{};
  request->data = this;
  const int code = uv_tcp_connect(request, socket_.get(), reinterpret_cast<const sockaddr*>(&peer),
                                  [](uv_connect_t* connected, int status) {
                                    auto* self = static_cast<TlsChannel*>(connected->data);
                                    delete connected;
                                    // Cancelled means that the channel closed the socket, or is
                                    // gone.
                                    if (status != UV_ECANCELED) self->OnConnected(status);
                                  });
  if (code == 0) return;
  delete request;
  Lost(Failure::kUnreachable, uv_strerror(code));
}

void TlsChannel::OnConnected(int status) {
  if (status != 0) return Lost(Failure::kUnreachable, uv_strerror(status));
  uv_tcp_nodelay(socket_.get(), 1);
  uv_read_start(
      socket_.stream(),
      [](uv_handle_t* handle, size_t, uv_buf_t* space) {
        auto& room = static_cast<TlsChannel*>(handle->data)->buffer_;
        *space = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* space) {
        static_cast<TlsChannel*>(stream->data)->OnRead(count, space->base);
      });
  OnRead(0, nullptr);  // starts the handshake
}

void TlsChannel::OnRead(ssize_t count, const char* bytes) {
  if (count < 0) return Lost(Failure::kUnreachable, "the upstream closed the connection");
  if (count > 0) {
    ++reads_;
    tls_->Received({bytes, static_cast<size_t>(count)});
  }
  if (!tls_->Advance()) {
    const std::string why = tls_->trouble();
    Flush();  // the alert that tells the upstream
    return Lost(Failure::kInvalid, why);
  }
  const bool open = !tls_->established() || tls_->Read(&plaintext_);
  const uint64_t connection = connections_;
  if (tls_->established()) {
    trouble_.clear();
    TakeMessages();
    if (socket_ && connection == connections_) SendWaiting();
    if (!socket_ || connection != connections_) return;  // it was given up, perhaps for another
  }
  Flush();
  if (!open) Lost(Failure::kUnreachable, "the upstream closed the connection");
}

void TlsChannel::TakeMessages() {
  while (socket_) {
    const auto length = FramedLength(plaintext_);
    if (!length) return;
    if (*length > kMaxResponseSize || *length < kHeaderSize) {
      return Lost(Failure::kInvalid, "the upstream sent a message of a length that none has");
    }
    if (plaintext_.size() < kLengthPrefix + *length) return;
    const std::string message = plaintext_.substr(kLengthPrefix, *length);
    plaintext_.erase(0, kLengthPrefix + *length);
    Deliver(OctetsOf(message));
  }
}

// The upstream is who it is, so a message that fits no question is a mistake of its own: left
// unread. Of a thousand random IDs two are often the same, so that the question must fit as well.
void TlsChannel::Deliver(std::span<const uint8_t> message) {
  auto response = ParseResponse(message);
  const uint16_t id = ReadU16(message, 0);
  const auto fits = [&](const Pending& pending) {
    return response && !response->truncated &&
           SameQuestion(response->question_wire, pending.question_wire);
  };
  auto found = pending_.end();
  for (auto at = pending_.begin(); at != pending_.end(); ++at) {
    const bool asked = at->second.id == id && !waiting_.contains(at->first);
    if (asked && (found == pending_.end() || fits(at->second))) found = at;
  }
  if (found == pending_.end()) return;
  const bool fine = fits(found->second);
  const Done done = std::move(found->second.done);
  pending_.erase(found);
  answered_ = true;
  RestartIdleTimer();
  done(fine ? Outcome{std::move(response), {}} : Outcome{std::nullopt, Failure::kInvalid});
}

void TlsChannel::SendWaiting() {
  if (!tls_ || !tls_->established()) return;
  while (!waiting_.empty()) {
    Pending& pending = *waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    if (!tls_->Write(Framed(BuildQuery(pending.id, pending.question_wire)))) {
      return Lost(Failure::kUnreachable, "the TLS connection broke");
    }
  }
  RestartIdleTimer();
  Flush();
}

void TlsChannel::Flush() {
  if (!socket_ || !tls_) return;
  std::string bytes = tls_->TakeOutput();
  if (bytes.empty()) return;
  struct Write {
    uv_write_t request;
    std::string bytes;
  };
  auto* write = new Write{{}, std::move(bytes)};
  write->request.data = write;
  const uv_buf_t buffer =
      uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  const int code = uv_write(&write->request, socket_.stream(), &buffer, 1,
                            [](uv_write_t* done, int) { delete static_cast<Write*>(done->data); });
  if (code != 0) delete write;  // the read side will tell that the connection is gone
}

// The connection is gone. An upstream may close one at any time that has served its questions (RFC
// 7858 §3.4), so what was asked on such a one is asked once more; otherwise it has failed.
void TlsChannel::Lost(Failure failure, const std::string& trouble) {
  const bool ask_again = answered_;
  Close();
  std::vector<Done> failed;
  for (auto at = pending_.begin(); at != pending_.end();) {
    Pending& pending = at->second;
    if (ask_again && !pending.sent_before) {
      pending.sent_before = true;
      waiting_[at->first] = &pending;
      ++at;
      continue;
    }
    failed.push_back(std::move(pending.done));
    waiting_.erase(at->first);
    at = pending_.erase(at);
  }
  if (!failed.empty() && trouble != trouble_) {
    trouble_ = trouble;
    LogWarning("upstream " + upstream_.ToText() + ": " + trouble);
  }
  if (!waiting_.empty()) Connect();
  for (const Done& done : failed) done({std::nullopt, failure});
}

void TlsChannel::Close() {
  socket_.Reset();
  tls_.reset();
  plaintext_.clear();
  answered_ = false;
}

void TlsChannel::RestartIdleTimer() {
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) {
        auto* self = static_cast<TlsChannel*>(timer->data);
        if (self->pending_.empty()) self->Close();
      },
      kIdle_ms, 0);
}

}  // namespace namegate::resolver
