#include "gate/enclave/udp_gateway.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "gate/enclave/layout.h"

namespace namegate::enclave {
namespace {

constexpr size_t kLargestDatagram = 65'536;
// Datagrams taken from one socket before others have their turn.
constexpr int kBatch = 64;

Endpoint EndpointFrom(const sockaddr_storage& storage) {
  const auto address = IpAddress::FromSockaddr(reinterpret_cast<const sockaddr*>(&storage));
  const in_port_t port = storage.ss_family == AF_INET
                             ? reinterpret_cast<const sockaddr_in*>(&storage)->sin_port
                             : reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port;
  return {address.value_or(IpAddress()), ntohs(port)};
}

// The address that a datagram was sent to.
std::optional<IpAddress> DestinationFrom(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      return IpAddress(std::span(reinterpret_cast<const uint8_t*>(&info.ipi_addr), 4));
    }
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      return IpAddress(std::span(info.ipi6_addr.s6_addr, 16));
    }
  }
  return std::nullopt;
}

template <typename Info>
void AddPacketInfo(msghdr& message, int level, int type, const Info& info) {
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(part), &info, sizeof info);
  message.msg_controllen = CMSG_SPACE(sizeof info);
}

// Makes the message leave from `source`.
void SetSource(msghdr& message, const IpAddress& source) {
  if (source.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, source.octets().data(), 4);
    AddPacketInfo(message, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, source.octets().data(), 16);
    AddPacketInfo(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

// Room for one piece of control data of either kind.
using PacketInfo = std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))>;

std::span<uint8_t> ReceiveBuffer() {
  static thread_local std::array<uint8_t, kLargestDatagram> buffer;
  return buffer;
}

// Takes an ICMP error that came for a connected socket; 0 if there is none.
int TakeError(int socket) {
  std::array<char, 512> control{};
  msghdr message{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    const bool error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                       (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
    if (!error) continue;
    sock_extended_err details{};
    std::memcpy(&details, CMSG_DATA(part), sizeof details);
    return static_cast<int>(details.ee_errno);
  }
  return 0;
}

std::optional<Unreachable> UnreachableFor(int error) {
  if (error == ECONNREFUSED) return Unreachable::kPort;
  const Refusal refusal = RefusalFor(error);
  if (refusal.kind != Refusal::Kind::kUnreachable) return std::nullopt;
  return refusal.why;
}

UniqueFd OpenFar(const Endpoint& to) {
  const bool v4 = to.address.is_v4();
  UniqueFd socket(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return socket;
  const int on = 1;
  setsockopt(socket.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on,
             sizeof on);
  sockaddr_storage storage{};
  const socklen_t length = to.address.ToSockaddr(to.port, &storage);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    socket.Reset();
  }
  return socket;
}

}  // namespace

Result<void> UdpGateway::Start() {
  if (EnsurePort({true, kDnsPort}) && EnsurePort({false, kDnsPort})) return {};
  return Error{"serve DNS in the gateway"};
}

void UdpGateway::OnPacket(std::span<const uint8_t> packet, Arrival arrival) {
  const auto datagram = ParseDatagram(packet);
  if (!datagram) return;
  const auto& [source, destination, payload, detour] = *datagram;
  if (detour || destination.port == 0) return RefuseFrom(source, destination);
  const Port port{destination.address.is_v4(), destination.port};
  const auto served = ports_.find(port);
  if (served == ports_.end() && !EnsurePort(port)) return;
  // It came while the tap was not told of the socket yet, which has it too.
  if (served != ports_.end() && arrival >= served->second.since) return;
  // A first fragment has its flow judged, and is lost: the port's socket has the next datagram
  // whole.
  Handle(source, destination, payload);
}

// The kernel of the gateway drops such a datagram, whoever has the port.
void UdpGateway::RefuseFrom(const Endpoint& source, const Endpoint& destination) {
  if (source.address != SandboxAddressLike(source.address)) return;
  const Key key{source, destination};
  if (flows_.contains(key)) return Refuse(key, Unreachable::kPort);
  Begin(key, Asking::kRefused);
}

bool UdpGateway::EnsurePort(Port port) {
  if (ports_.contains(port)) return true;
  if (ports_.size() >= Tap::kMaxServedPorts) {
    const auto oldest = std::ranges::min_element(ports_, {}, [](const auto& entry) {
      return std::pair(entry.first.second == kDnsPort, entry.second.used);
    });
    const bool v4 = oldest->first.first;
    ports_.erase(oldest);
    TellTap(v4);
  }
  Result<UniqueFd> socket = Error{""};
  around_.gateway.Run([&] { socket = OpenUdpPort(port.first, port.second); });
  if (!socket) return false;
  PortSocket& entry = ports_[port];
  entry.socket = std::move(socket).value();
  entry.used = Clock::now();
  entry.watch = around_.loop.Add(entry.socket.get(), EPOLLIN,
                                 [this, port](uint32_t) { ReceiveFromSandbox(port); });
  TellTap(port.first);
  entry.since = NextArrival(entry.socket.get());
  return true;
}

void UdpGateway::TellTap(bool v4) const {
  std::vector<uint16_t> served;
  for (const auto& [port, socket] : ports_) {
    if (port.first == v4) served.push_back(port.second);
  }
  tap_.Serve(v4, served);
}

void UdpGateway::ReceiveFromSandbox(Port port) {
  const int socket = ports_.at(port).socket.get();
  ports_.at(port).used = Clock::now();
  for (int i = 0; i < kBatch; ++i) {
    const std::span<uint8_t> buffer = ReceiveBuffer();
    iovec part{buffer.data(), buffer.size()};
    sockaddr_storage from{};
    alignas(cmsghdr) PacketInfo control{};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT);
    if (got < 0) return;
    const auto to = DestinationFrom(message);
    if (to) Handle(EndpointFrom(from), {*to, port.second}, buffer.first(static_cast<size_t>(got)));
    if (!ports_.contains(port)) return;
  }
}

void UdpGateway::Handle(const Endpoint& source, const Endpoint& destination,
                        std::optional<Payload> payload) {
  // Root in the sandbox can write any source; an answer to it would not leave the gateway.
  if (source.address != SandboxAddressLike(source.address)) return;
  if (IsHostsOwn(destination.address)) return;
  const Key key{source, destination};
  const auto found = flows_.find(key);
  Flow* flow = found != flows_.end() ? &found->second : Begin(key, Asking::kVerdict);
  if (flow == nullptr) return;
  if (flow->state == State::kDenied) return Refuse(key, Unreachable::kPort);
  if (!payload) return;
  if (flow->state == State::kOpen) return Forward(key, *flow, *payload);
  Queue(*flow, *payload);
}

void UdpGateway::Queue(const Flow& flow, Payload payload) {
  auto& queue = queued_[flow.id];
  if (queue.size() >= kMaxQueued || queued_octets_ + payload.size() > kMaxQueuedOctets) return;
  queue.emplace_back(payload.begin(), payload.end());
  queued_octets_ += payload.size();
}

std::vector<Packet> UdpGateway::TakeQueued(uint64_t id) {
  auto taken = queued_.extract(id);
  if (taken.empty()) return {};
  for (const Packet& payload : taken.mapped()) queued_octets_ -= payload.size();
  return std::move(taken.mapped());
}

UdpGateway::Flow* UdpGateway::Begin(const Key& key, Asking asking) {
  if (flows_.size() >= kMaxFlows) EvictOldest();
  Flow& flow = flows_[key];
  flow.id = next_id_++;
  flow.used = Clock::now();
  if (asking == Asking::kVerdict && key.second.port == kDnsPort) {
    Open(key, flow, around_.nameserver);
    return &flow;
  }
  const uint32_t process = around_.owners.Find(Protocol::kUdp, key.first, key.second);
  const bool asked = around_.gate.Ask(
      asking, Protocol::kUdp, key.second, process,
      [this, key, id = flow.id](Permit permit) { Judged(key, id, std::move(permit)); });
  if (asked) return &flow;
  flows_.erase(key);
  return nullptr;
}

void UdpGateway::Judged(const Key& key, uint64_t id, Permit permit) {
  const std::vector<Packet> queued = TakeQueued(id);
  const auto found = flows_.find(key);
  if (found == flows_.end() || found->second.id != id) return;
  Flow& flow = found->second;
  flow.state = State::kDenied;
  if (permit) {
    // What it most often comes to: nobody says that a flow is over.
    permit.ending = Ending::kIdle;
    flow.permit = std::move(permit);
    Open(key, flow, key.second);
  }
  if (flow.state == State::kDenied) return Refuse(key, Unreachable::kPort);
  for (const Packet& payload : queued) Forward(key, flow, payload);
}

void UdpGateway::Open(const Key& key, Flow& flow, const Endpoint& to) {
  flow.state = State::kOpen;
  flow.far = OpenFar(to);
  if (!flow.far) {
    // No route, mostly. Programs are not told of that kind of ICMP; of a closed port they are.
    flow.state = State::kDenied;
    flow.permit.ending = Ending::kUnreachable;
    flow.permit.Report();
    return;
  }
  flow.watch = around_.loop.Add(flow.far.get(), EPOLLIN,
                                [this, key, id = flow.id](uint32_t) { ReceiveFromFar(key, id); });
}

void UdpGateway::Forward(const Key& key, Flow& flow, Payload payload) {
  flow.used = Clock::now();
  const auto try_to_send = [&] {
    return send(flow.far.get(), payload.data(), payload.size(), MSG_NOSIGNAL) >= 0 ? 0 : errno;
  };
  int error = try_to_send();
  // The error of an earlier datagram is told instead of sending this one.
  if (error != 0 && TakeErrors(key, flow)) error = try_to_send();
  if (error == 0) {
    flow.permit.bytes_out += payload.size();
  } else if (const auto why = UnreachableFor(error)) {
    Fail(key, flow, *why);
  }
}

bool UdpGateway::TakeErrors(const Key& key, Flow& flow) {
  bool any = false;
  while (const int error = TakeError(flow.far.get())) {
    any = true;
    if (const auto why = UnreachableFor(error)) Fail(key, flow, *why);
  }
  return any;
}

void UdpGateway::ReceiveFromFar(const Key& key, uint64_t id) {
  const auto found = flows_.find(key);
  if (found == flows_.end() || found->second.id != id) return;
  Flow& flow = found->second;
  for (int i = 0; i < kBatch; ++i) {
    const std::span<uint8_t> buffer = ReceiveBuffer();
    const ssize_t got = recv(flow.far.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    // What send() or recv() was told of is in the queue of errors too, and would wake us for ever.
    if (got < 0 && !TakeErrors(key, flow)) return;
    if (got < 0) continue;
    flow.answered = true;
    flow.used = Clock::now();
    flow.permit.ending = Ending::kIdle;
    flow.permit.bytes_in += static_cast<size_t>(got);
    Reply(key, buffer.first(static_cast<size_t>(got)));
  }
}

void UdpGateway::Reply(const Key& key, Payload payload) {
  const auto& [source, destination] = key;
  // It may have made room for others, or been silent for long, in a flow that only receives.
  const Port port{destination.address.is_v4(), destination.port};
  if (!EnsurePort(port)) return;
  PortSocket& near = ports_.at(port);
  near.used = Clock::now();
  sockaddr_storage to{};
  iovec part{const_cast<uint8_t*>(payload.data()), payload.size()};
  alignas(cmsghdr) PacketInfo control{};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = source.address.ToSockaddr(source.port, &to);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  SetSource(message, destination.address);
  // A full buffer loses the datagram, as it would anywhere on the way.
  [[maybe_unused]] const ssize_t sent =
      sendmsg(near.socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void UdpGateway::Refuse(const Key& key, Unreachable why) {
  around_.to_sandbox.Send(MakeUnreachable(QuotedDatagram(key.first, key.second), why));
}

void UdpGateway::Fail(const Key& key, Flow& flow, Unreachable why) {
  flow.permit.ending = why == Unreachable::kPort ? Ending::kRefused : Ending::kUnreachable;
  Refuse(key, why);
}

void UdpGateway::EndAll() {
  for (auto& [key, flow] : flows_) flow.permit.ending = Ending::kSessionClosed;
  flows_.clear();
}

void UdpGateway::Break(int64_t connection) {
  const auto found = std::ranges::find_if(flows_, [&](const auto& entry) {
    const Permit& permit = entry.second.permit;
    return permit && permit.connection() == connection;
  });
  if (found == flows_.end()) return;
  found->second.permit.ending = Ending::kPolicyChanged;
  flows_.erase(found);
}

void UdpGateway::EvictOldest() {
  flows_.erase(
      std::ranges::min_element(flows_, {}, [](const auto& entry) { return entry.second.used; }));
}

Clock::duration UdpGateway::Lifetime(const Key& key, const Flow& flow) {
  if (flow.state == State::kDenied) return kDenied;
  if (key.second.port == kDnsPort) return kDnsIdle;
  return flow.answered ? Clock::duration(kIdle) : Clock::duration(kUnanswered);
}

bool UdpGateway::Settle() {
  std::vector<Port> ports;
  for (const auto& [port, socket] : ports_) ports.push_back(port);
  for (const Port& port : ports) {
    if (ports_.contains(port)) ReceiveFromSandbox(port);
  }
  return std::ranges::none_of(
      flows_, [](const auto& entry) { return entry.second.state == State::kAsking; });
}

void UdpGateway::Tick() {
  const Clock::time_point now = Clock::now();
  std::erase_if(flows_, [&](const auto& entry) {
    return entry.second.used + Lifetime(entry.first, entry.second) < now;
  });
  const size_t erased = std::erase_if(ports_, [&](const auto& entry) {
    return entry.first.second != kDnsPort && entry.second.used + kPortIdle < now;
  });
  if (erased == 0) return;
  TellTap(true);
  TellTap(false);
}

}  // namespace namegate::enclave
