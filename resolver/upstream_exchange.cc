#include "resolver/upstream_exchange.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/network_order.h"
#include "common/random.h"
#include "resolver/framing.h"
#include "resolver/message_builder.h"

namespace namegate::resolver {
namespace {

// Ports below 1024 are for others; the kernel's own choice would come from a narrower range.
constexpr uint16_t kFirstPort = 1024;
constexpr int kPortTries = 8;
// Answers to 1232 octets of offer; what is longer is cut and then refused as malformed.
constexpr size_t kDatagramBuffer = 4096;

uint16_t RandomId() { return static_cast<uint16_t>(RandomU32()); }

uint16_t RandomPort() {
  return static_cast<uint16_t>(kFirstPort + RandomU32() % (65'536 - kFirstPort));
}

UniqueFd ConnectedSocket(const Endpoint& server) {
  sockaddr_storage peer;
  const socklen_t peer_length = server.address.ToSockaddr(server.port, &peer);
  UniqueFd socket(::socket(peer.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!socket) return {};
  const std::array<uint8_t, 16> any{};
  const std::span<const uint8_t> all(any);
  const IpAddress unspecified(all.first(server.address.is_v4() ? 4U : 16U));
  for (int attempt = 0; attempt < kPortTries; ++attempt) {
    sockaddr_storage local;
    const socklen_t local_length = unspecified.ToSockaddr(RandomPort(), &local);
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&local), local_length) == 0) break;
    // After the last try the kernel picks a port itself, at connect.
  }
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&peer), peer_length) != 0) return {};
  // What came before that, whoever sent it, answers nothing that was asked.
  char ignored = 0;
  while (recv(socket.get(), &ignored, sizeof ignored, 0) >= 0) continue;
  return socket;
}

}  // namespace

constinit const ExchangeEntropy ExchangeEntropy::kFull = {&RandomId, &RandomCaseQuestion};

UpstreamExchange::UpstreamExchange(uv_loop_t* loop, UpstreamServer& server,
                                   const Question& question, uint64_t timeout_ms, Done done,
                                   const ExchangeEntropy& entropy)
    : loop_(loop), server_(server), entropy_(entropy), question_(question), done_(std::move(done)) {
  question_wire_ = entropy_.question(question.qname, question.qtype);
  timer_.Make(this, [loop](uv_timer_t* timer) { return uv_timer_init(loop, timer); });
  if (server.tls) {
    AskOverTls();
  } else if (!StartUdp()) {
    failure_ = Failure::kUnreachable;
    timeout_ms = 0;  // the failure is told from the loop, not from inside the constructor
  }
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* timer) {
        auto* self = static_cast<UpstreamExchange*>(timer->data);
        self->Fail(self->failure_);
      },
      timeout_ms, 0);
}

UpstreamExchange::~UpstreamExchange() {
  if (tls_ticket_ != 0) server_.tls->Cancel(tls_ticket_);
}

bool UpstreamExchange::AsksFrom(const Endpoint& endpoint) const {
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  auto* address = reinterpret_cast<sockaddr*>(&local);
  if (!socket_ || getsockname(socket_.get(), address, &length) != 0) return false;
  return IpAddress::FromSockaddr(address) == endpoint.address &&
         ntohs(reinterpret_cast<const sockaddr_in*>(&local)->sin_port) == endpoint.port;
}

void UpstreamExchange::AskOverTls() {
  ++server_.sent;
  tls_ticket_ =
      server_.tls->Ask(entropy_.id(), question_wire_, [this](TlsChannel::Outcome outcome) {
        tls_ticket_ = 0;
        if (outcome.response) return Finish({std::move(outcome.response), {}});
        Fail(outcome.failure == TlsChannel::Failure::kInvalid ? Failure::kInvalid
                                                              : Failure::kUnreachable);
      });
}

bool UpstreamExchange::StartUdp() {
  id_ = entropy_.id();
  socket_ = ConnectedSocket(server_.address.endpoint);
  if (!socket_) return false;
  const std::string query = BuildQuery(id_, question_wire_);
  ++server_.sent;
  if (send(socket_.get(), query.data(), query.size(), 0) < 0) return false;
  const int fd = socket_.get();
  if (poll_.Make(this, [&](uv_poll_t* poll) { return uv_poll_init(loop_, poll, fd); }) != 0) {
    return false;
  }
  return uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int status, int) {
           static_cast<UpstreamExchange*>(poll->data)->OnDatagramReady(status);
         }) == 0;
}

void UpstreamExchange::OnDatagramReady(int status) {
  std::array<uint8_t, kDatagramBuffer> buffer;
  const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR) && status == 0) return;
  // ECONNREFUSED and the like: an ICMP error came back, nobody will answer.
  if (got < 0) return Fail(Failure::kUnreachable);
  Judge(std::span<const uint8_t>(buffer).first(static_cast<size_t>(got)));
}

void UpstreamExchange::Judge(std::span<const uint8_t> datagram) {
  const bool right_id = datagram.size() >= kHeaderSize && ReadU16(datagram, 0) == id_;
  auto response = right_id ? ParseResponse(datagram) : std::nullopt;
  if (response && response->question_wire == question_wire_) {
    if (response->truncated) return StartTcp();
    return Finish({std::move(response), {}});
  }
  ++server_.wrong_replies;
  // The right ID with another question is a guess, or the answer to something else: wait. With our
  // question in other letters, or with a broken body, it may be the real upstream: ask over TCP.
  const bool ours = response && SameQuestion(response->question_wire, question_wire_);
  const bool broken = right_id && !response;
  if (broken) failure_ = Failure::kInvalid;
  if (ours || broken || ++wrong_replies_ >= kMaxWrongReplies) StartTcp();
}

void UpstreamExchange::StartTcp() {
  poll_.Reset();
  socket_.Reset();
  id_ = entropy_.id();
  tcp_.Make(this, [&](uv_tcp_t* tcp) { return uv_tcp_init(loop_, tcp); });
  sockaddr_storage peer;
  server_.address.endpoint.address.ToSockaddr(server_.address.endpoint.port, &peer);
  auto* request = new uv_connect_t{};
  request->data = this;
  const int code = uv_tcp_connect(request, tcp_.get(), reinterpret_cast<const sockaddr*>(&peer),
                                  [](uv_connect_t* connected, int status) {
                                    auto* self = static_cast<UpstreamExchange*>(connected->data);
                                    delete connected;
                                    // Cancelled means that the exchange is gone.
                                    if (status != UV_ECANCELED) self->OnConnected(status);
                                  });
  if (code == 0) return;
  delete request;
  Fail(Failure::kUnreachable);
}

void UpstreamExchange::OnConnected(int status) {
  if (status != 0) return Fail(Failure::kUnreachable);
  struct Write {
    uv_write_t request;
    std::string bytes;
  };
  auto* write = new Write{};
  write->request.data = write;
  write->bytes = Framed(BuildQuery(id_, question_wire_));
  const uv_buf_t buffer =
      uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  ++server_.sent;
  const int code = uv_write(&write->request, tcp_.stream(), &buffer, 1,
                            [](uv_write_t* done, int) { delete static_cast<Write*>(done->data); });
  if (code != 0) {
    delete write;
    return Fail(Failure::kUnreachable);
  }
  tcp_buffer_.resize(kDatagramBuffer);
  uv_read_start(
      tcp_.stream(),
      [](uv_handle_t* handle, size_t, uv_buf_t* space) {
        auto& room = static_cast<UpstreamExchange*>(handle->data)->tcp_buffer_;
        *space = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
        static_cast<UpstreamExchange*>(stream->data)->OnTcpRead(count);
      });
}

void UpstreamExchange::OnTcpRead(ssize_t count) {
  if (count < 0) return Fail(Failure::kUnreachable);
  tcp_received_.append(tcp_buffer_.data(), static_cast<size_t>(count));
  const auto length = FramedLength(tcp_received_);
  if (!length) return;
  if (*length > kMaxResponseSize || *length < kHeaderSize) return Fail(Failure::kInvalid);
  if (tcp_received_.size() < kLengthPrefix + *length) return;
  JudgeTcp(OctetsOf(tcp_received_).subspan(kLengthPrefix, *length));
}

// Over TCP the peer is who it is: upstreams that fold the case of names are taken as they are.
void UpstreamExchange::JudgeTcp(std::span<const uint8_t> message) {
  auto response = ParseResponse(message);
  if (!response || response->id != id_ || response->truncated ||
      !SameQuestion(response->question_wire, question_wire_)) {
    ++server_.wrong_replies;
    return Fail(Failure::kInvalid);
  }
  Finish({std::move(response), {}});
}

void UpstreamExchange::Fail(Failure failure) { Finish({std::nullopt, failure}); }

void UpstreamExchange::Finish(Outcome outcome) {
  poll_.Reset();
  socket_.Reset();
  tcp_.Reset();
  timer_.Reset();
  // The callback may destroy this object, so it must not live in it while it runs.
  const Done done = std::move(done_);
  done(std::move(outcome));
}

}  // namespace namegate::resolver
