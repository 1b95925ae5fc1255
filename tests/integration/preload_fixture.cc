#include "tests/integration/preload_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace namegate::testing {
namespace {

GateService::Answer AllowPorts(std::vector<uint16_t> allowed) {
  return [allowed = std::move(allowed)](const GateRequest& request) {
    const bool allow = std::find(allowed.begin(), allowed.end(), request.port) != allowed.end();
    return std::optional(allow ? AllowReply() : DenyReply("denied by the test"));
  };
}

UniqueFd Bind(int type, const std::string& address, uint16_t& port) {
  const bool v6 = address.find(':') != std::string::npos;
  sockaddr_storage storage = {};
  storage.ss_family = v6 ? AF_INET6 : AF_INET;
  void* host = v6 ? static_cast<void*>(&reinterpret_cast<sockaddr_in6*>(&storage)->sin6_addr)
                  : &reinterpret_cast<sockaddr_in*>(&storage)->sin_addr;
  inet_pton(storage.ss_family, address.c_str(), host);
  socklen_t length = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  UniqueFd fd(socket(storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    throw std::runtime_error("cannot bind to " + address);
  }
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &length);
  port = ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  return fd;
}

}  // namespace

Loopback::Loopback(Kind kind, const std::string& address)
    : kind_(kind), fd_(Bind(kind == Kind::kTcp ? SOCK_STREAM : SOCK_DGRAM, address, port_)) {
  if (kind_ == Kind::kTcp && listen(fd_.get(), 128) != 0) throw std::runtime_error("listen failed");
}

int Loopback::Arrived() {
  int count = 0;
  for (;; ++count) {
    if (kind_ == Kind::kUdp) {
      char byte;
      if (recv(fd_.get(), &byte, 1, 0) < 0) return count;
    } else if (!UniqueFd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC))) {
      return count;
    }
  }
}

std::string Loopback::ReadAll() {
  std::string all;
  for (;;) {
    const UniqueFd connection(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) return all;
    std::array<char, 4096> buffer;
    ssize_t got;
    while ((got = read(connection.get(), buffer.data(), buffer.size())) > 0) {
      all.append(buffer.data(), static_cast<size_t>(got));
    }
  }
}

Gated::Gated(std::vector<uint16_t> allowed) : Gated(AllowPorts(std::move(allowed))) {}

Gated::Gated(GateService::Answer answer)
    : service_(std::make_unique<GateService>(dir_.File("gate.sock"), std::move(answer))) {}

std::vector<std::string> Gated::asked() const {
  std::vector<std::string> result;
  for (const GateRequest& request : service_->requests()) result.push_back(Describe(request));
  return result;
}

std::map<std::string, std::string> Gated::Environment() const {
  return {{"LD_PRELOAD", PreloadLibrary()}, {kGateSocketVariable, service_->path()}};
}

Outcome Gated::RunProgram(const std::vector<std::string>& command,
                          const std::map<std::string, std::string>& environment) const {
  ProcessOptions options;
  options.environment = environment;
  options.environment.merge(Environment());
  return namegate::testing::Run(command, options);
}

Outcome Gated::Run(const std::string& sandboxee, const std::vector<std::string>& arguments,
                   const std::map<std::string, std::string>& environment) const {
  std::vector<std::string> command = {Sandboxee(sandboxee)};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Outcome outcome = RunProgram(command, environment);
  if (outcome.status != 0) {
    throw std::runtime_error(sandboxee + " ended with " + std::to_string(outcome.status) + ": " +
                             outcome.out + outcome.err);
  }
  return outcome;
}

std::string PreloadLibrary() { return BuildPath("lib/libnamegate.so"); }

std::string Sandboxee(const std::string& name) { return BuildPath("bin/sandboxee_" + name); }

int Count(const std::string& text, const std::string& what) {
  int count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace namegate::testing
