#include "resolver/udp_listener.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace namegate::resolver {

UdpListener::UdpListener(uv_loop_t* loop, UniqueFd socket, int64_t session, QueryHandler handler)
    : loop_(loop), socket_(std::move(socket)), session_(session), handler_(std::move(handler)) {}

UdpListener::~UdpListener() {
  if (!outgoing_.empty()) SendBatch();
}

void UdpListener::Start(const std::shared_ptr<UdpListener>& self) {
  self_ = self;
  const int fd = socket_.get();
  poll_.Make(this, [&](uv_poll_t* poll) { return uv_poll_init(loop_, poll, fd); });
  before_wait_.Make(this, [&](uv_prepare_t* prepare) { return uv_prepare_init(loop_, prepare); });
  Watch();
}

void UdpListener::StopReceiving() {
  while (receiving_ && ReceiveBatch()) {
  }
  receiving_ = false;
  Watch();
}

void UdpListener::Watch() {
  const int events = (receiving_ ? UV_READABLE : 0) | (outgoing_.empty() ? 0 : UV_WRITABLE);
  if (events == 0) {
    uv_poll_stop(poll_.get());
    return;
  }
  uv_poll_start(poll_.get(), events, [](uv_poll_t* poll, int, int ready) {
    auto* self = static_cast<UdpListener*>(poll->data);
    const auto alive = self->self_.lock();  // a handler may close the session and so this listener
    if ((ready & UV_WRITABLE) != 0) self->Flush();
    const uint64_t begun = uv_hrtime();
    while (self->receiving_ && self->ReceiveBatch() && uv_hrtime() - begun < kTurn_ns) continue;
  });
}

// False when there is nothing more to read for now.
bool UdpListener::ReceiveBatch() {
  // One buffer for all listeners: they share the loop's thread and use it one after the other.
  static thread_local std::array<std::array<uint8_t, kSlot>, kBatch> slots;
  std::array<sockaddr_storage, kBatch> clients;
  std::array<iovec, kBatch> spaces;
  std::array<mmsghdr, kBatch> messages{};
  for (size_t i = 0; i < kBatch; ++i) {
    spaces[i] = {slots[i].data(), kSlot};
    messages[i].msg_hdr.msg_iov = &spaces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &clients[i];
    messages[i].msg_hdr.msg_namelen = sizeof clients[i];
  }
  const int got = recvmmsg(socket_.get(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < got; ++i) {
    const auto slot = static_cast<size_t>(i);
    const auto* address = reinterpret_cast<const sockaddr*>(&clients[slot]);
    const auto client = IpAddress::FromSockaddr(address);
    if (!client) continue;
    const uint16_t port = ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port);
    handler_({.bytes = std::span<const uint8_t>(slots[slot]).first(messages[slot].msg_len),
              .client = {*client, port},
              .transport = Transport::kUdp,
              .session = session_,
              .sink = self_});
  }
  return got == static_cast<int>(kBatch);
}

void UdpListener::Send(const Endpoint& client, std::string bytes) {
  if (outgoing_.size() >= kMaxQueued) return;
  Outgoing& message = outgoing_.emplace_back();
  message.client_length = client.address.ToSockaddr(client.port, &message.client);
  message.bytes = std::move(bytes);
  if (outgoing_.size() == 1) {
    uv_prepare_start(before_wait_.get(), [](uv_prepare_t* prepare) {
      static_cast<UdpListener*>(prepare->data)->Flush();
    });
  }
}

void UdpListener::Flush() {
  while (!outgoing_.empty()) {
    const size_t sent = SendBatch();
    outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(sent));
    if (sent == 0) break;
  }
  uv_prepare_stop(before_wait_.get());
  Watch();
}

// How many messages are done with: sent, or not sendable at all.
size_t UdpListener::SendBatch() {
  std::array<iovec, kBatch> spaces;
  std::array<mmsghdr, kBatch> messages{};
  const size_t count = std::min(kBatch, outgoing_.size());
  for (size_t i = 0; i < count; ++i) {
    Outgoing& message = outgoing_[i];
    spaces[i] = {message.bytes.data(), message.bytes.size()};
    messages[i].msg_hdr.msg_iov = &spaces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &message.client;
    messages[i].msg_hdr.msg_namelen = message.client_length;
  }
  const int sent = sendmmsg(socket_.get(), messages.data(), static_cast<unsigned>(count),
                            MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<size_t>(sent);
  // The first message failed. If the socket is full, wait; any other error is this message's own (a
  // client that vanished), and it is given up.
  return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? 0 : 1;
}

}  // namespace namegate::resolver
