#include "tests/crash/capturing_proxy.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace namegate::testing {
namespace {

constexpr size_t kMaxMessage = 65'535;
// More than the load has in flight, so that nothing the daemon sent is lost on its way here.
constexpr int kSocketBuffer = 4 * 1024 * 1024;
constexpr size_t kMaxBindAttempts = 100;

Endpoint EndpointOf(const sockaddr_storage& address) {
  const auto* plain = reinterpret_cast<const sockaddr*>(&address);
  return {IpAddress::FromSockaddr(plain).value(),
          ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port)};
}

Endpoint OwnEnd(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return EndpointOf(address);
}

bool BindTo(int fd, const Endpoint& endpoint) {
  sockaddr_storage address{};
  const socklen_t length = endpoint.address.ToSockaddr(endpoint.port, &address);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0;
}

void SendTo(int fd, const Endpoint& to, const Bytes& message) {
  sockaddr_storage address{};
  const socklen_t length = to.address.ToSockaddr(to.port, &address);
  sendto(fd, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&address),
         length);
}

// What is there, up to a message's size; empty if nothing is, or the peer has closed.
Bytes Take(int fd, sockaddr_storage* from = nullptr) {
  std::array<uint8_t, kMaxMessage> buffer;
  socklen_t length = sizeof *from;
  const ssize_t got =
      recvfrom(fd, buffer.data(), buffer.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(from),
               from != nullptr ? &length : nullptr);
  return got > 0 ? Bytes(buffer.begin(), buffer.begin() + got) : Bytes();
}

}  // namespace

CapturingProxy::CapturingProxy(const Endpoint& server, Observations& observations)
    : server_(server), observations_(observations), stop_(eventfd(0, EFD_CLOEXEC)) {
  for (size_t attempt = 0; attempt < kMaxBindAttempts; ++attempt) {
    udp_ = UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    listener_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!BindTo(udp_.get(), {IpAddress::V4(127, 0, 0, 1), 0})) continue;
    endpoint_ = OwnEnd(udp_.get());
    if (BindTo(listener_.get(), endpoint_) && listen(listener_.get(), SOMAXCONN) == 0) {
      thread_ = std::thread([this] { Serve(); });
      return;
    }
  }
  throw std::runtime_error("no free port for a proxy");
}

CapturingProxy::~CapturingProxy() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void CapturingProxy::Serve() {
  while (true) {
    std::vector<pollfd> polled = {
        {stop_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    std::vector<UdpFlow*> udp;
    for (auto& [client, flow] : udp_flows_) {
      udp.push_back(&flow);
      polled.push_back({flow.server.get(), POLLIN, 0});
    }
    const size_t first_tcp = polled.size();
    for (const auto& flow : tcp_flows_) {
      polled.push_back({flow->client.get(), POLLIN, 0});
      polled.push_back({flow->server.get(), POLLIN, 0});
    }
    if (poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[0].revents != 0) return;
    for (size_t i = 0; i < udp.size(); ++i) {
      if (polled[3 + i].revents != 0) TakeResponses(*udp[i]);
    }
    for (size_t i = tcp_flows_.size(); i-- > 0;) {
      const bool from_client = polled[first_tcp + 2 * i].revents != 0;
      const bool from_server = polled[first_tcp + 2 * i + 1].revents != 0;
      if (Relay(*tcp_flows_[i], from_client, from_server)) continue;
      tcp_flows_.erase(tcp_flows_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (polled[1].revents != 0) TakeQuery();
    if (polled[2].revents != 0) Accept();
  }
}

UniqueFd CapturingProxy::ConnectToServer(int type, std::string& name) const {
  UniqueFd fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_storage address{};
  const socklen_t length = server_.address.ToSockaddr(server_.port, &address);
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof kSocketBuffer);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return {};
  name = OwnEnd(fd.get()).ToText();
  return fd;
}

void CapturingProxy::TakeQuery() {
  sockaddr_storage from{};
  const Bytes query = Take(udp_.get(), &from);
  if (query.empty()) return;
  const Endpoint client = EndpointOf(from);
  auto found = udp_flows_.find(client);
  if (found == udp_flows_.end()) {
    UdpFlow flow{client, {}, {}};
    flow.server = ConnectToServer(SOCK_DGRAM, flow.name);
    found = udp_flows_.emplace(client, std::move(flow)).first;
  }
  // Nobody there is what a client without a proxy would find as well: silence.
  send(found->second.server.get(), query.data(), query.size(), 0);
}

void CapturingProxy::TakeResponses(UdpFlow& flow) {
  while (true) {
    Bytes response = Take(flow.server.get());
    if (response.empty()) return;
    observations_.Add(SeenResponse{flow.name, response});
    SendTo(udp_.get(), flow.client, response);
  }
}

void CapturingProxy::Accept() {
  auto flow = std::make_unique<TcpFlow>();
  flow->client = UniqueFd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  flow->server = ConnectToServer(SOCK_STREAM, flow->name);
  if (flow->client && flow->server) tcp_flows_.push_back(std::move(flow));
}

bool CapturingProxy::Relay(TcpFlow& flow, bool from_client, bool from_server) {
  if (from_server) {
    const Bytes octets = Take(flow.server.get());
    if (octets.empty()) return false;
    flow.received.insert(flow.received.end(), octets.begin(), octets.end());
    KeepMessages(flow);
    send(flow.client.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
  }
  if (from_client) {
    const Bytes octets = Take(flow.client.get());
    if (octets.empty()) return false;
    send(flow.server.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
  }
  return true;
}

void CapturingProxy::KeepMessages(TcpFlow& flow) {
  Bytes& received = flow.received;
  while (received.size() >= 2) {
    const size_t end = 2 + size_t{received[0]} * 256 + received[1];
    if (received.size() < end) return;
    const auto last = received.begin() + static_cast<std::ptrdiff_t>(end);
    observations_.Add(SeenResponse{flow.name, Bytes(received.begin() + 2, last)});
    received.erase(received.begin(), last);
  }
}

}  // namespace namegate::testing
