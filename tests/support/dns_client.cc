#include "tests/support/dns_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace namegate::testing {
namespace {

// True if there is something to read, or the end, within `limit`.
bool Readable(int fd, std::chrono::milliseconds limit) {
  pollfd polled = {fd, POLLIN, 0};
  return poll(&polled, 1, static_cast<int>(limit.count())) == 1;
}

UniqueFd BoundSocket(const Endpoint& server, int type, const std::optional<IpAddress>& source) {
  UniqueFd bound(socket(server.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0));
  if (!source) return bound;
  sockaddr_storage address{};
  const socklen_t length = source->ToSockaddr(0, &address);
  if (bind(bound.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    throw std::runtime_error("bind to " + source->ToText() + ": " + std::strerror(errno));
  }
  return bound;
}

bool ConnectTo(int fd, const Endpoint& server) {
  sockaddr_storage address{};
  const socklen_t length = server.address.ToSockaddr(server.port, &address);
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0;
}

Reply Answered(std::optional<Reply> reply, const std::string& name, const std::string& type) {
  if (!reply) throw std::runtime_error("no answer to " + name + " " + type);
  return *std::move(reply);
}

}  // namespace

UdpClient::UdpClient(const Endpoint& server, const std::optional<IpAddress>& source)
    : socket_(BoundSocket(server, SOCK_DGRAM, source)) {
  if (!ConnectTo(socket_.get(), server)) {
    throw std::runtime_error("connect to " + server.ToText() + ": " + std::strerror(errno));
  }
}

void UdpClient::Send(const Bytes& message) const {
  send(socket_.get(), message.data(), message.size(), 0);
}

std::optional<Bytes> UdpClient::ReceiveRaw(std::chrono::milliseconds limit) const {
  std::array<uint8_t, kMaxMessage> buffer;
  if (!Readable(socket_.get(), limit)) return std::nullopt;
  const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return std::nullopt;
  return Bytes(buffer.begin(), buffer.begin() + got);
}

std::optional<Reply> UdpClient::Receive(std::chrono::milliseconds limit) const {
  const auto raw = ReceiveRaw(limit);
  return raw ? ReadReply(*raw) : std::nullopt;
}

TcpClient::TcpClient(const Endpoint& server, const std::optional<IpAddress>& source)
    : socket_(BoundSocket(server, SOCK_STREAM, source)),
      connected_(ConnectTo(socket_.get(), server)) {}

void TcpClient::Send(const Bytes& message) const {
  Bytes framed = {static_cast<uint8_t>(message.size() >> 8),
                  static_cast<uint8_t>(message.size() & 0xff)};
  framed.insert(framed.end(), message.begin(), message.end());
  SendRaw(framed);
}

bool TcpClient::SendRaw(const Bytes& octets) const {
  return send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(octets.size());
}

bool TcpClient::Fill(std::chrono::milliseconds limit) {
  std::array<uint8_t, 4096> buffer;
  if (!Readable(socket_.get(), limit)) return false;
  const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  received_.insert(received_.end(), buffer.begin(), buffer.begin() + got);
  return true;
}

std::optional<Reply> TcpClient::Receive(std::chrono::milliseconds limit) {
  while (true) {
    if (received_.size() >= 2) {
      const size_t end = 2 + size_t{received_[0]} * 256 + received_[1];
      if (received_.size() >= end) {
        const auto last = received_.begin() + static_cast<std::ptrdiff_t>(end);
        const Bytes message(received_.begin() + 2, last);
        received_.erase(received_.begin(), last);
        return ReadReply(message);
      }
    }
    if (!Fill(limit)) return std::nullopt;
  }
}

bool TcpClient::ClosedWithin(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !Readable(socket_.get(), left)) return false;
    if (!Fill(std::chrono::milliseconds(0))) return true;
  }
}

void TcpClient::FinishSending() const { shutdown(socket_.get(), SHUT_WR); }

Reply Ask(const Endpoint& server, const std::string& name, const std::string& type,
          const QueryOptions& options) {
  const UdpClient client(server);
  client.Send(MakeQuery(name, type, options));
  return Answered(client.Receive(), name, type);
}

Reply AskTcp(const Endpoint& server, const std::string& name, const std::string& type,
             const QueryOptions& options) {
  TcpClient client(server);
  client.Send(MakeQuery(name, type, options));
  return Answered(client.Receive(), name, type);
}

}  // namespace namegate::testing
