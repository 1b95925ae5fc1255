#include "gate/enclave/gate_client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>

namespace namegate::enclave {
namespace {

RelayRequest MakeRequest(GateOperation operation, Protocol protocol, const Endpoint& to,
                         uint32_t pid) {
  RelayRequest relay{};
  GateRequest& request = relay.request;
  request.magic = kGateMagic;
  request.version = kRelayVersion;
  request.size = sizeof relay;
  request.operation = static_cast<uint8_t>(operation);
  request.family = to.address.is_v4() ? 4 : 6;
  request.protocol = static_cast<uint8_t>(protocol);
  request.port = to.port;
  std::ranges::copy(to.address.octets(), request.address);
  relay.pid = pid;
  return relay;
}

GateClient::Answer AnswerFrom(int socket) {
  GateReply reply{};
  const ssize_t got = recv(socket, &reply, sizeof reply, MSG_DONTWAIT | MSG_TRUNC);
  const bool allowed = got == sizeof reply && reply.magic == kGateMagic &&
                       reply.version == kGateVersion && reply.size == sizeof reply &&
                       reply.verdict == 1;
  return allowed ? GateClient::Answer::kAllow : GateClient::Answer::kDeny;
}

// 0, or the errno of the connection attempt.
int ConnectTo(int socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  path.copy(address.sun_path, path.size());
  const auto* target = reinterpret_cast<const sockaddr*>(&address);
  return connect(socket, target, sizeof address) == 0 ? 0 : errno;
}

}  // namespace

bool GateClient::Ask(GateOperation operation, Protocol protocol, const Endpoint& to, uint32_t pid,
                     Callback callback) {
  if (questions_.size() >= kMaxQuestions) return false;
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  const int trouble = ConnectTo(socket.get(), socket_path_);
  if (trouble == EAGAIN) return false;  // the service's backlog is full
  const RelayRequest request = MakeRequest(operation, protocol, to, pid);
  if (trouble != 0 || send(socket.get(), &request, sizeof request, MSG_NOSIGNAL) < 0) {
    loop_.Post([callback = std::move(callback)] { callback(Answer::kDeny); });
    return true;
  }
  const auto question = questions_.insert(
      questions_.end(), {std::move(socket), {}, Clock::now() + kPatience, std::move(callback)});
  question->watch = loop_.Add(question->socket.get(), EPOLLIN, [this, question](uint32_t) {
    Finish(question, AnswerFrom(question->socket.get()));
  });
  return true;
}

void GateClient::Finish(std::list<Question>::iterator question, Answer answer) {
  const Callback callback = std::move(question->callback);
  questions_.erase(question);
  callback(answer);
}

void GateClient::Tick() {
  while (!questions_.empty() && questions_.front().deadline < Clock::now()) {
    Finish(questions_.begin(), Answer::kDeny);
  }
}

}  // namespace namegate::enclave
