#include "gate/enclave/tcp_gateway.h"

#include <sys/socket.h>

#include <cerrno>

#include "gate/enclave/layout.h"

namespace namegate::enclave {
namespace {

std::optional<Endpoint> NameOf(int socket, decltype(getsockname)* of) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (of(socket, address, &length) != 0) return std::nullopt;
  const auto ip = IpAddress::FromSockaddr(address);
  if (!ip) return std::nullopt;
  const in_port_t port = storage.ss_family == AF_INET
                             ? reinterpret_cast<const sockaddr_in*>(&storage)->sin_port
                             : reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port;
  return Endpoint{*ip, ntohs(port)};
}

int ErrorOf(int socket) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

}  // namespace

Refusal RefusalFor(int error) {
  using Kind = Refusal::Kind;
  switch (error) {
    case ENETUNREACH:
      return {Kind::kUnreachable, Unreachable::kNetwork};
    case EHOSTUNREACH:
      return {Kind::kUnreachable, Unreachable::kHost};
    case ENOPROTOOPT:
      return {Kind::kUnreachable, Unreachable::kProtocol};
    case EACCES:
    case EPERM:
      return {Kind::kUnreachable, Unreachable::kProhibited};
    case ETIMEDOUT:
      return {Kind::kSilence, {}};
    default:
      return {Kind::kReset, {}};
  }
}

void TcpGateway::OnPacket(std::span<const uint8_t> packet) {
  const auto syn = ParseSyn(packet);
  // Root in the sandbox can write any source; an answer to it would not leave the gateway.
  if (!syn || syn->source.address != SandboxAddressLike(syn->source.address)) return;
  const auto found = attempts_.find({syn->source, syn->destination});
  if (found == attempts_.end()) return Begin(*syn, packet);
  if (found->second->syn.sequence == syn->sequence) {
    // Sent again because no answer came. If that is not for our wait, the listener was full.
    if (found->second->state == State::kInjected) around_.to_listener.Send(found->second->packet);
    return;
  }
  // The port was given up and is used anew.
  attempts_.erase(found);
  Begin(*syn, packet);
}

void TcpGateway::Begin(const Syn& syn, std::span<const uint8_t> packet) {
  if (attempts_.size() >= kMaxAttempts || connections_.size() >= kMaxConnections) return;
  const auto attempt = std::make_shared<Attempt>();
  attempt->syn = syn;
  attempt->packet = WithChecksum(packet);
  attempt->deadline = Clock::now() + kDialPatience;
  attempts_[{syn.source, syn.destination}] = attempt;
  if (syn.destination.port == kDnsPort) return Dial(attempt, around_.nameserver);
  if (!Ask(attempt)) attempts_.erase({syn.source, syn.destination});
}

bool TcpGateway::Ask(const std::shared_ptr<Attempt>& attempt) {
  const Syn& syn = attempt->syn;
  const uint32_t process = around_.owners.Find(Protocol::kTcp, syn.source, syn.destination);
  return around_.gate.Ask(GateOperation::kRelayConnect, Protocol::kTcp, syn.destination, process,
                          [this, attempt](GateClient::Answer answer) {
                            if (!IsCurrent(attempt)) return;
                            if (answer == GateClient::Answer::kAllow) {
                              Dial(attempt, attempt->syn.destination);
                            } else {
                              Refuse(attempt, {Refusal::Kind::kReset, {}});
                            }
                          });
}

bool TcpGateway::IsCurrent(const std::shared_ptr<Attempt>& attempt) const {
  const auto found = attempts_.find({attempt->syn.source, attempt->syn.destination});
  return found != attempts_.end() && found->second == attempt;
}

void TcpGateway::Dial(const std::shared_ptr<Attempt>& attempt, const Endpoint& to) {
  attempt->state = State::kDialling;
  const int family = to.address.is_v4() ? AF_INET : AF_INET6;
  attempt->far.Reset(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!attempt->far) return Dialled(attempt, errno);
  sockaddr_storage storage{};
  const socklen_t length = to.address.ToSockaddr(to.port, &storage);
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  if (connect(attempt->far.get(), address, length) == 0) return Dialled(attempt, 0);
  if (errno != EINPROGRESS) return Dialled(attempt, errno);
  // Weak: an attempt that leaves the table takes its watch and socket along.
  attempt->watch = around_.loop.Add(attempt->far.get(), EPOLLOUT,
                                    [this, weak = std::weak_ptr(attempt)](uint32_t) {
                                      const auto dialled = weak.lock();
                                      if (!dialled) return;
                                      dialled->watch.Reset();
                                      Dialled(dialled, ErrorOf(dialled->far.get()));
                                    });
}

void TcpGateway::Dialled(const std::shared_ptr<Attempt>& attempt, int error) {
  if (error != 0) return Refuse(attempt, RefusalFor(error));
  const Endpoint& to = attempt->syn.destination;
  if (!EnsureListener({to.address.is_v4(), to.port})) {
    return Refuse(attempt, {Refusal::Kind::kReset, {}});
  }
  Inject(*attempt);
}

void TcpGateway::Inject(Attempt& attempt) {
  attempt.state = State::kInjected;
  attempt.deadline = Clock::now() + kAcceptPatience;
  around_.to_listener.Send(attempt.packet);
}

void TcpGateway::Refuse(const std::shared_ptr<Attempt>& attempt, Refusal refusal) {
  if (refusal.kind == Refusal::Kind::kSilence) {
    // Kept, so that what the client still sends does not start it all again.
    attempt->state = State::kSilenced;
    attempt->far.Reset();
    return;
  }
  around_.to_sandbox.Send(refusal.kind == Refusal::Kind::kReset
                              ? MakeReset(attempt->syn)
                              : MakeUnreachable(attempt->packet, refusal.why));
  attempts_.erase({attempt->syn.source, attempt->syn.destination});
}

bool TcpGateway::EnsureListener(Port port) {
  if (const auto found = listeners_.find(port); found != listeners_.end()) {
    found->second.used = Clock::now();
    return true;
  }
  if (listeners_.size() >= kMaxListeners) return false;
  Result<UniqueFd> socket = Error{""};
  around_.gateway.Run([&] { socket = OpenListener(port.first, port.second); });
  if (!socket) return false;
  Listener& listener = listeners_[port];
  listener.socket = std::move(socket).value();
  listener.used = Clock::now();
  listener.watch =
      around_.loop.Add(listener.socket.get(), EPOLLIN, [this, port](uint32_t) { Accept(port); });
  return true;
}

void TcpGateway::Accept(Port port) {
  const auto listener = listeners_.find(port);
  if (listener == listeners_.end()) return;
  for (;;) {
    UniqueFd near(
        accept4(listener->second.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!near) return;
    Pair(std::move(near));
  }
}

void TcpGateway::Pair(UniqueFd near) {
  const auto source = NameOf(near.get(), getpeername);
  const auto destination = NameOf(near.get(), getsockname);
  if (!source || !destination) return;
  const auto found = attempts_.find({*source, *destination});
  if (found == attempts_.end() || found->second->state != State::kInjected) return;
  UniqueFd far = std::move(found->second->far);
  attempts_.erase(found);
  // Known by a weak reference to itself, so that its end can take it off the list.
  const auto self = std::make_shared<std::weak_ptr<Connection>>();
  const auto connection = std::make_shared<Connection>(
      around_.loop, pipes_, std::move(near), std::move(far),
      [this, self](const Connection::Result&) { connections_.erase(self->lock()); });
  *self = connection;
  connections_.insert(connection);
  connection->Start();
}

void TcpGateway::EndAll() {
  attempts_.clear();
  // Each takes itself off the list.
  for (const auto& connection : std::vector(connections_.begin(), connections_.end())) {
    connection->Abort();
  }
}

void TcpGateway::Tick() {
  const Clock::time_point now = Clock::now();
  std::erase_if(attempts_, [&](const auto& entry) { return entry.second->deadline < now; });
  std::erase_if(listeners_,
                [&](const auto& entry) { return entry.second.used + kListenerIdle < now; });
}

}  // namespace namegate::enclave
