#include "gate/enclave/gate_client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace namegate::enclave {
namespace {

// Room for the answers to all questions; the kernel gives what it may.
constexpr int kBufferSize = 1 << 20;

RelayMessage MakeMessage(RelayOperation operation, int64_t id) {
  RelayMessage message{};
  message.magic = kRelayMagic;
  message.version = kRelayVersion;
  message.size = sizeof message;
  message.operation = static_cast<uint8_t>(operation);
  message.id = id;
  return message;
}

bool ConnectTo(int socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  path.copy(address.sun_path, path.size());
  const auto* target = reinterpret_cast<const sockaddr*>(&address);
  return connect(socket, target, sizeof address) == 0;
}

}  // namespace

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this == &other) return *this;
  Report();
  client_ = std::exchange(other.client_, nullptr);
  connection_ = other.connection_;
  bytes_out = other.bytes_out;
  bytes_in = other.bytes_in;
  ending = other.ending;
  return *this;
}

void Permit::Report() {
  if (GateClient* client = std::exchange(client_, nullptr)) client->Ended(connection_, *this);
}

bool GateClient::Ask(Asking asking, Protocol protocol, const Endpoint& to, uint32_t pid,
                     Callback callback) {
  if (questions_.size() >= kMaxQuestions) return false;
  const int64_t number = next_number_++;
  RelayMessage message = MakeMessage(RelayOperation::kAsk, number);
  message.family = to.address.is_v4() ? 4 : 6;
  message.protocol = static_cast<uint8_t>(protocol);
  message.port = to.port;
  message.refused = asking == Asking::kRefused ? 1 : 0;
  std::ranges::copy(to.address.octets(), message.address);
  message.pid = pid;
  const bool sent = Connect() && Send(message);
  if (!sent && socket_ && errno == EAGAIN) return false;
  questions_[number] = {Clock::now() + kPatience, std::move(callback)};
  // No daemon: refused at once.
  if (!sent) loop_.Post([this, number] { Finish(number, {}); });
  return true;
}

bool GateClient::Connect() {
  if (socket_) return true;
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket || !ConnectTo(socket.get(), socket_path_)) return false;
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &kBufferSize, sizeof kBufferSize);
  socket_ = std::move(socket);
  watch_ = loop_.Add(socket_.get(), EPOLLIN, [this](uint32_t) { Receive(); });
  // To a daemon that was restarted these are news, the ones that have ended meanwhile too.
  std::deque<RelayMessage> kept;
  for (const int64_t id : carried_) kept.push_back(MakeMessage(RelayOperation::kKept, id));
  for (const RelayMessage& ended : untold_) {
    kept.push_back(MakeMessage(RelayOperation::kKept, ended.id));
  }
  kept.push_back(MakeMessage(RelayOperation::kAllKept, 0));
  untold_.insert(untold_.begin(), kept.begin(), kept.end());
  SendUntold();
  return true;
}

void GateClient::Disconnected() {
  watch_.Reset();
  socket_.Reset();
  // Said to a daemon that is gone.
  std::erase_if(untold_, [](const RelayMessage& message) {
    return message.operation != static_cast<uint8_t>(RelayOperation::kEnded);
  });
  while (!questions_.empty()) Finish(questions_.begin()->first, {});
}

void GateClient::Receive() {
  while (socket_) {
    RelayReply reply{};
    const ssize_t got = recv(socket_.get(), &reply, sizeof reply, MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return Disconnected();
    if (got != sizeof reply || reply.magic != kRelayMagic || reply.version != kRelayVersion ||
        reply.size != sizeof reply) {
      continue;
    }
    if (reply.answer == static_cast<uint8_t>(RelayAnswer::kBreak)) {
      broken_(reply.connection);
    } else if (reply.verdict != 1) {
      Finish(reply.id, {});
    } else {
      // If nobody waits for it any more, it ends here.
      carried_.insert(reply.connection);
      Finish(reply.id, Permit(this, reply.connection));
    }
  }
}

void GateClient::Finish(int64_t number, Permit permit) {
  const auto question = questions_.find(number);
  if (question == questions_.end()) return;
  const Callback callback = std::move(question->second.callback);
  questions_.erase(question);
  callback(std::move(permit));
}

void GateClient::Ended(int64_t connection, const Permit& permit) {
  carried_.erase(connection);
  if (untold_.size() >= kMaxUntold) return;  // the daemon will not know how it ended
  RelayMessage message = MakeMessage(RelayOperation::kEnded, connection);
  message.ending = static_cast<uint8_t>(permit.ending);
  message.bytes_out = permit.bytes_out;
  message.bytes_in = permit.bytes_in;
  untold_.push_back(message);
  SendUntold();
}

bool GateClient::Send(const RelayMessage& message) const {
  return send(socket_.get(), &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

void GateClient::SendUntold() {
  while (socket_ && !untold_.empty() && Send(untold_.front())) untold_.pop_front();
}

void GateClient::Tick() {
  const Clock::time_point now = Clock::now();
  while (!questions_.empty() && questions_.begin()->second.deadline < now) {
    Finish(questions_.begin()->first, {});
  }
  if (Connect()) SendUntold();
}

}  // namespace namegate::enclave
