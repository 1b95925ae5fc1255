#include "gate/doctor/canary.h"

#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>

#include "common/random.h"
#include "gate/doctor/socket_address.h"

namespace namegate::doctor {
namespace {

constexpr int kFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr int kBacklog = 8;
constexpr size_t kIpHeader = 20;

bool Listen(const UniqueFd& socket, const void* address, size_t length) {
  return socket &&
         bind(socket.get(), static_cast<const sockaddr*>(address),
              static_cast<socklen_t>(length)) == 0 &&
         listen(socket.get(), kBacklog) == 0;
}

uint16_t PortOf(const UniqueFd& socket) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &length);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
}

// One that the kernel would not choose, for what has no ports of this size.
uint16_t DrawNumber() { return static_cast<uint16_t>(20'000 + RandomU32() % 10'000); }

}  // namespace

std::string SocketOf(const Probe& probe, const std::string& directory) {
  if (probe.canary != CanaryKind::kUnix) return "";
  return probe.place == "@" ? "@" + directory : directory + std::string(probe.place);
}

IpAddress AddressOf(const Probe& probe) {
  return IpAddress::FromText(std::string(probe.place)).value_or(IpAddress());
}

std::optional<Canary> Canary::Open(const Probe& probe, const std::string& directory) {
  const SocketAddress at({AddressOf(probe), probe.port, {}, -1, 0});
  UniqueFd socket;
  switch (probe.canary) {
    case CanaryKind::kTcp: {
      socket.Reset(::socket(at.family(), SOCK_STREAM | kFlags, 0));
      const int pending = kBacklog;
      setsockopt(socket.get(), IPPROTO_TCP, TCP_FASTOPEN, &pending, sizeof pending);
      if (!Listen(socket, at.get(), at.length())) return std::nullopt;
      const uint16_t port = PortOf(socket);
      return Canary(probe.canary, std::move(socket), port);
    }
    case CanaryKind::kUdp: {
      socket.Reset(::socket(at.family(), SOCK_DGRAM | kFlags, 0));
      if (!socket || bind(socket.get(), at.get(), at.length()) != 0) return std::nullopt;
      const uint16_t port = PortOf(socket);
      return Canary(probe.canary, std::move(socket), port);
    }
    case CanaryKind::kIcmp:
      socket.Reset(::socket(AF_INET, SOCK_RAW | kFlags, IPPROTO_ICMP));
      if (!socket) return std::nullopt;
      return Canary(probe.canary, std::move(socket), DrawNumber());
    case CanaryKind::kUnix: {
      socket.Reset(::socket(AF_UNIX, SOCK_STREAM | kFlags, 0));
      sockaddr_un name{};
      name.sun_family = AF_UNIX;
      const std::string path = SocketOf(probe, directory);
      path.copy(name.sun_path, sizeof name.sun_path - 1);
      if (path.starts_with('@')) name.sun_path[0] = '\0';
      if (!Listen(socket, &name, offsetof(sockaddr_un, sun_path) + path.size())) {
        return std::nullopt;
      }
      return Canary(probe.canary, std::move(socket), 0);
    }
    case CanaryKind::kVsock: {
      socket.Reset(::socket(AF_VSOCK, SOCK_STREAM | kFlags, 0));
      sockaddr_vm name{};
      name.svm_family = AF_VSOCK;
      name.svm_cid = VMADDR_CID_ANY;
      name.svm_port = DrawNumber();
      if (!Listen(socket, &name, sizeof name)) return std::nullopt;
      return Canary(probe.canary, std::move(socket), static_cast<uint16_t>(name.svm_port));
    }
  }
  return std::nullopt;
}

UniqueFd Canary::ConnectedSocket(const Probe& probe) const {
  Target canary;
  canary.address = AddressOf(probe);
  canary.port = port_;
  const SocketAddress to(canary);
  UniqueFd socket(::socket(to.family(), SOCK_DGRAM, 0));
  if (!socket || connect(socket.get(), to.get(), to.length()) != 0) return {};
  return socket;
}

bool Canary::TakeOne() {
  switch (kind_) {
    case CanaryKind::kUdp: {
      std::array<char, 512> octets{};
      return recv(socket_.get(), octets.data(), octets.size(), 0) >= 0;
    }
    case CanaryKind::kIcmp:
      break;
    default:
      return UniqueFd(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)).get() >= 0;
  }
  // It sees every message of the host's; only the probe's requests count.
  for (;;) {
    std::array<uint8_t, 512> octets{};
    const ssize_t got = recv(socket_.get(), octets.data(), octets.size(), 0);
    if (got < 0) return false;
    const uint16_t id = static_cast<uint16_t>(octets[kIpHeader + 4] << 8 | octets[kIpHeader + 5]);
    if (octets[kIpHeader] == ICMP_ECHO && id == port_) return true;
  }
}

int Canary::Arrived() {
  int count = 0;
  while (TakeOne()) ++count;
  return count;
}

}  // namespace namegate::doctor
