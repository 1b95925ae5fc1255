#include "gate/enclave/tcp_gateway.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
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

Ending EndingFor(const Refusal& refusal) {
  if (refusal.kind == Refusal::Kind::kSilence) return Ending::kTimedOut;
  return refusal.kind == Refusal::Kind::kReset ? Ending::kRefused : Ending::kUnreachable;
}

void TcpGateway::OnPacket(std::span<const uint8_t> packet) {
  const auto syn = ParseSyn(packet);
  // Root in the sandbox can write any source; an answer to it would not leave the gateway.
  if (!syn || syn->source.address != SandboxAddressLike(syn->source.address)) return;
  if (IsHostsOwn(syn->destination.address)) return;
  if (const Packet* answer = syns_.AnswerToCopy(*syn)) return around_.to_sandbox.Send(*answer);
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
  if (connections_.size() >= kMaxConnections) return;
  if (attempts_.size() >= kMaxAttempts && !MakeRoom()) return;
  const auto attempt = std::make_shared<Attempt>();
  attempt->syn = syn;
  if (syn.plain) attempt->packet = WithChecksum(packet);
  attempt->deadline = Clock::now() + kDialPatience;
  attempts_[{syn.source, syn.destination}] = attempt;
  if (syn.plain && syn.destination.port == kDnsPort) return Dial(attempt, around_.nameserver);
  if (waiting_.empty() && Ask(attempt)) return;
  if (waiting_.size() >= kMaxAttempts) {
    attempts_.erase({syn.source, syn.destination});
    return;
  }
  waiting_.push_back(attempt);
}

bool TcpGateway::MakeRoom() {
  if (room_is_sought_in_vain_) return false;
  std::vector<std::pair<Clock::time_point, Key>> unanswered;
  for (const auto& [key, attempt] : attempts_) {
    const State state = attempt->state;
    if (state != State::kDialling && state != State::kSilenced) continue;
    unanswered.emplace_back(attempt->deadline, key);
  }
  room_is_sought_in_vain_ = unanswered.empty();
  std::ranges::sort(unanswered);
  unanswered.resize(std::min(unanswered.size(), kEvictedAtOnce));
  for (const auto& [deadline, key] : unanswered) {
    attempts_.at(key)->permit.ending = Ending::kTimedOut;
    attempts_.erase(key);
  }
  return !unanswered.empty();
}

bool TcpGateway::Ask(const std::shared_ptr<Attempt>& attempt) {
  const Syn& syn = attempt->syn;
  const uint32_t process = around_.owners.Find(Protocol::kTcp, syn.source, syn.destination);
  const Asking asking = syn.plain ? Asking::kVerdict : Asking::kRefused;
  return around_.gate.Ask(asking, Protocol::kTcp, syn.destination, process,
                          [this, attempt](Permit permit) {
                            Judged(attempt, std::move(permit));
                            AskForWaiting();
                          });
}

void TcpGateway::Judged(const std::shared_ptr<Attempt>& attempt, Permit permit) {
  if (!IsCurrent(attempt)) return;
  attempt->permit = std::move(permit);
  if (attempt->permit && attempt->syn.plain) return Dial(attempt, attempt->syn.destination);
  Refuse(attempt, {Refusal::Kind::kReset, {}});
}

void TcpGateway::AskForWaiting() {
  while (!waiting_.empty()) {
    const auto attempt = waiting_.front().lock();
    if (attempt && IsCurrent(attempt) && !Ask(attempt)) return;
    waiting_.pop_front();
  }
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
  BreakOnClose(attempt->far.get(), true);
  sockaddr_storage storage{};
  const socklen_t length = to.address.ToSockaddr(to.port, &storage);
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  if (connect(attempt->far.get(), address, length) == 0) return Dialled(attempt, 0);
  if (errno != EINPROGRESS) return Dialled(attempt, errno);
  // A server on this host has answered by now.
  pollfd answered{attempt->far.get(), POLLOUT, 0};
  if (poll(&answered, 1, 0) > 0) return Dialled(attempt, ErrorOf(attempt->far.get()));
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
  attempt->permit.ending = EndingFor(refusal);
  attempt->permit.Report();
  if (refusal.kind == Refusal::Kind::kSilence) {
    // Kept, so that what the client still sends does not start it all again.
    attempt->state = State::kSilenced;
    attempt->far.Reset();
    return;
  }
  Packet answer = refusal.kind == Refusal::Kind::kReset
                      ? MakeReset(attempt->syn)
                      : MakeUnreachable(attempt->packet, refusal.why);
  around_.to_sandbox.Send(answer);
  syns_.Refused(attempt->syn, std::move(answer), Clock::now());
  attempts_.erase({attempt->syn.source, attempt->syn.destination});
}

bool TcpGateway::EnsureListener(Port port) {
  if (const auto found = listeners_.find(port); found != listeners_.end()) {
    found->second.used = Clock::now();
    return true;
  }
  if (listeners_.size() >= kMaxListeners) CloseIdlestListener();
  Result<UniqueFd> socket = Error{""};
  around_.gateway.Run([&] { socket = OpenListener(port.first, port.second); });
  if (!socket) return false;
  Listener& listener = listeners_[port];
  listener.socket = std::move(socket).value();
  listener.used = Clock::now();
  WatchListener(port, listener);
  return true;
}

void TcpGateway::WatchListener(Port port, Listener& listener) {
  listener.watch =
      around_.loop.Add(listener.socket.get(), EPOLLIN, [this, port](uint32_t) { Accept(port); });
}

void TcpGateway::CloseIdlestListener() {
  const auto idlest =
      std::ranges::min_element(listeners_, {}, [](const auto& entry) { return entry.second.used; });
  // What the kernel has completed and has not been taken yet would be reset.
  Accept(idlest->first);
  listeners_.erase(idlest);
}

void TcpGateway::Accept(Port port) {
  const auto listener = listeners_.find(port);
  if (listener == listeners_.end()) return;
  for (;;) {
    UniqueFd near(
        accept4(listener->second.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!near) {
      // Out of descriptors or memory: what waits there would wake us for ever.
      if (errno != EAGAIN) listener->second.watch.Reset();
      return;
    }
    Pair(std::move(near));
  }
}

void TcpGateway::Pair(UniqueFd near) {
  const auto source = NameOf(near.get(), getpeername);
  const auto destination = NameOf(near.get(), getsockname);
  if (!source || !destination) return;
  const auto found = attempts_.find({*source, *destination});
  if (found == attempts_.end() || found->second->state != State::kInjected) return;
  const std::shared_ptr<Attempt> attempt = found->second;
  attempts_.erase(found);
  Relay(attempt->syn, std::move(near), std::move(attempt->far), std::move(attempt->permit));
}

void TcpGateway::Relay(const Syn& syn, UniqueFd near, UniqueFd far, Permit permit) {
  const uint64_t id = next_id_++;
  const Key key{syn.source, syn.destination};
  syns_.Opened(syn);
  Relayed& relayed = connections_[id];
  relayed.key = key;
  relayed.permitted = permit ? permit.connection() : 0;
  // std::function copies what it holds, and a permit cannot be copied.
  const auto held = std::make_shared<Permit>(std::move(permit));
  relayed.connection =
      std::make_shared<Connection>(around_.loop, pipes_, std::move(near), std::move(far),
                                   [this, id, held, syn](const Connection::Result& result) {
                                     held->bytes_out = result.bytes_out;
                                     held->bytes_in = result.bytes_in;
                                     held->ending = result.ending;
                                     held->Report();
                                     syns_.Ended(syn, Clock::now());
                                     connections_.erase(id);
                                   });
  relayed.connection->Start();
}

void TcpGateway::EndAll() {
  attempts_.clear();
  waiting_.clear();
  // Each takes itself off the list.
  while (!connections_.empty()) {
    connections_.begin()->second.connection->Abort(Ending::kSessionClosed);
  }
}

void TcpGateway::Break(int64_t connection) {
  std::erase_if(attempts_, [&](const auto& entry) {
    return entry.second->permit && entry.second->permit.connection() == connection;
  });
  const auto found = std::ranges::find_if(
      connections_, [&](const auto& entry) { return entry.second.permitted == connection; });
  if (found != connections_.end()) found->second.connection->Abort(Ending::kPolicyChanged);
}

bool TcpGateway::Settle() {
  waiting_.clear();
  // What the program has closed, and what lacks no more than being accepted, may have octets in it.
  std::erase_if(attempts_, [&](const auto& entry) {
    return entry.second->state != State::kInjected || IsHeld(entry.first).value_or(true);
  });
  std::vector<Relayed> open;
  for (const auto& [id, relayed] : connections_) open.push_back(relayed);
  bool all = attempts_.empty();
  for (const Relayed& relayed : open) {
    all = relayed.connection->Settle(IsHeld(relayed.key).value_or(false)) && all;
  }
  return all;
}

std::optional<bool> TcpGateway::IsHeld(const Key& key) const {
  return around_.owners.IsHeld(Protocol::kTcp, key.first, key.second);
}

uint64_t TcpGateway::sent() const {
  uint64_t octets = 0;
  for (const auto& [id, relayed] : connections_) octets += relayed.connection->sent();
  return octets;
}

void TcpGateway::Tick() {
  const Clock::time_point now = Clock::now();
  room_is_sought_in_vain_ = false;
  syns_.Tick(now);
  std::erase_if(attempts_, [&](const auto& entry) { return entry.second->deadline < now; });
  std::erase_if(listeners_,
                [&](const auto& entry) { return entry.second.used + kListenerIdle < now; });
  for (auto& [port, listener] : listeners_) {
    if (!listener.watch) WatchListener(port, listener);
  }
  AskForWaiting();
}

}  // namespace namegate::enclave
