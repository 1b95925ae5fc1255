#include "resolver/listen_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/random.h"
#include "resolver/dns.h"

namespace namegate::resolver {
namespace {

// Room for a burst of queries while a commit is under way; the kernel may grant less.
constexpr int kReceiveBuffer = 1 << 20;
// An address of the pool is free nearly always; if so many are not, something holds port 53 of all.
constexpr int kPoolTries = 64;

Error BindError(const Endpoint& endpoint, int code) {
  std::string message = "listen on " + endpoint.ToText() + ": " + std::strerror(code);
  if (code == EACCES) {
    message +=
        "; ports below 1024 need root, or `setcap cap_net_bind_service=+ep` on namegated, or "
        "`sysctl net.ipv4.ip_unprivileged_port_start=53`";
  } else if (code == EADDRINUSE) {
    message += "; another server listens there";
  } else if (code == EADDRNOTAVAIL) {
    message += "; this host has no such address";
  }
  return Error{message};
}

UniqueFd Bound(const Endpoint& endpoint, int type) {
  sockaddr_storage address;
  const socklen_t length = endpoint.address.ToSockaddr(endpoint.port, &address);
  UniqueFd socket(::socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  const int on = 1;
  if (address.ss_family == AF_INET6) {
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (type == SOCK_STREAM) {
    // Connections of an earlier daemon in TIME_WAIT must not keep the address from us.
    setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  } else {
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return {};
  return socket;
}

}  // namespace

Result<ListenSockets> BindNameserver(const Endpoint& endpoint) {
  const auto octets = endpoint.address.octets();
  if (std::all_of(octets.begin(), octets.end(), [](uint8_t octet) { return octet == 0; })) {
    return Error{"listen on " + endpoint.ToText() +
                 ": name the address that clients will use; answers must come from it"};
  }
  ListenSockets sockets;
  sockets.endpoint = endpoint;
  sockets.udp = Bound(endpoint, SOCK_DGRAM);
  if (!sockets.udp) return BindError(endpoint, errno);
  sockets.tcp = Bound(endpoint, SOCK_STREAM);
  if (!sockets.tcp) return BindError(endpoint, errno);
  return sockets;
}

Result<ListenSockets> BindPoolAddress() {
  for (int attempt = 0;; ++attempt) {
    const uint32_t random = RandomU32();
    // Not .0 and not .255: some programs take them for a network and its broadcast address.
    const IpAddress address =
        IpAddress::V4(127, static_cast<uint8_t>(64 | (random >> 16 & 0x3f)),
                      static_cast<uint8_t>(random >> 8), static_cast<uint8_t>(1 + random % 254));
    auto sockets = BindNameserver({address, kDnsPort});
    if (sockets || errno != EADDRINUSE || attempt == kPoolTries) return sockets;
  }
}

}  // namespace namegate::resolver
