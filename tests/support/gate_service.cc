#include "tests/support/gate_service.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <stdexcept>

namespace namegate::testing {
namespace {

constexpr int kBacklog = 8;
// A test that waits longer than this for anything has failed.
constexpr std::chrono::seconds kPatience{20};

UniqueFd Listen(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error("socket path too long");
  path.copy(address.sun_path, path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd.get(), kBacklog) != 0) {
    throw std::runtime_error("cannot listen on " + path);
  }
  return fd;
}

std::string ReplyBytes(const GateReply& reply) {
  return {reinterpret_cast<const char*>(&reply), sizeof(reply)};
}

GateReply MakeReply() {
  GateReply reply = {};
  reply.magic = kGateMagic;
  reply.version = kGateVersion;
  reply.size = sizeof(reply);
  return reply;
}

std::string DestinationOf(const GateRequest& request) {
  char address[INET6_ADDRSTRLEN] = "";
  inet_ntop(request.family == 4 ? AF_INET : AF_INET6, request.address, address, sizeof(address));
  const std::string host =
      request.family == 6 ? "[" + std::string(address) + "]" : std::string(address);
  const std::string protocol = request.protocol == 6 ? "" : "/" + std::to_string(request.protocol);
  return host + ":" + std::to_string(request.port) + (request.protocol == 17 ? "/udp" : protocol);
}

std::string RefusalOf(const GateRequest& request) {
  switch (static_cast<GateRefusal>(request.detail)) {
    case GateRefusal::kSocketFamily:
      return "socket-family";
    case GateRefusal::kSourceRoute:
      return "source-route";
    case GateRefusal::kFastOpen:
      return "fast-open";
    default:
      return "of unknown kind";
  }
}

}  // namespace

GateService::GateService(std::string path, Answer answer)
    : path_(std::move(path)),
      answer_(std::move(answer)),
      listener_(Listen(path_)),
      stop_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { Serve(); }) {}

GateService::~GateService() {
  const uint64_t one = 1;
  if (write(stop_.get(), &one, sizeof(one)) != sizeof(one)) std::abort();
  thread_.join();
  unlink(path_.c_str());
}

void GateService::Serve() {
  for (;;) {
    pollfd polled[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(polled, 2, -1) < 0) continue;
    if (polled[1].revents != 0) return;
    ServeOne(UniqueFd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }
}

void GateService::ServeOne(UniqueFd connection) {
  GateRequest request = {};
  const ssize_t size = recv(connection.get(), &request, sizeof(request), MSG_TRUNC);
  const bool proper = size == sizeof(request) && request.magic == kGateMagic &&
                      request.version == kGateVersion && request.size == sizeof(request) &&
                      request.reserved == 0;
  if (!proper) return;
  const bool hello = request.operation == static_cast<uint8_t>(GateOperation::kHello);
  {
    const std::lock_guard lock(mutex_);
    if (!hello) requests_.push_back(request);
    hello_ = hello_ || hello;
  }
  if (hello) {
    said_hello_.notify_all();
    return;
  }
  const std::optional<std::string> answer = answer_(request);
  if (!answer) {
    silent_.push_back(std::move(connection));
  } else if (!answer->empty()) {
    send(connection.get(), answer->data(), answer->size(), MSG_NOSIGNAL);
  }
}

std::vector<GateRequest> GateService::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool GateService::WaitForHello() {
  std::unique_lock lock(mutex_);
  return said_hello_.wait_for(lock, kPatience, [this] { return hello_; });
}

std::string AllowReply() {
  GateReply reply = MakeReply();
  reply.verdict = 1;
  return ReplyBytes(reply);
}

std::string DenyReply(const std::string& message, bool quiet) {
  GateReply reply = MakeReply();
  reply.quiet = quiet ? 1 : 0;
  reply.reason = 44;
  message.copy(reply.message, sizeof(reply.message) - 1);
  return ReplyBytes(reply);
}

std::string Describe(const GateRequest& request) {
  switch (static_cast<GateOperation>(request.operation)) {
    case GateOperation::kHello:
      return "hello";
    case GateOperation::kConnect:
      return "connect " + DestinationOf(request);
    case GateOperation::kSend:
      return "send " + DestinationOf(request);
    case GateOperation::kRefused:
      return "refused " + RefusalOf(request);
    default:
      return "operation " + std::to_string(request.operation);
  }
}

}  // namespace namegate::testing
