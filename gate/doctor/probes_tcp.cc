// Ways over TCP that programs take without meaning harm, and some that they do not.

#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/unique_fd.h"
#include "gate/doctor/dns_question.h"
#include "gate/doctor/probe.h"
#include "gate/doctor/socket_address.h"

namespace namegate::doctor {
namespace {

constexpr int kMultipath = 262;  // IPPROTO_MPTCP

std::string ConnectBy(const SocketAddress& to, int protocol) {
  const UniqueFd socket(::socket(to.family(), SOCK_STREAM, protocol));
  if (!socket) return Said(-1);
  return Said(connect(socket.get(), to.get(), to.length()));
}

template <size_t kSize>
std::string ConnectWith(const Target& target, int level, int option,
                        const std::array<uint8_t, kSize>& value) {
  const SocketAddress to(target);
  const UniqueFd socket(::socket(to.family(), SOCK_STREAM, 0));
  if (!socket) return Said(-1);
  if (setsockopt(socket.get(), level, option, value.data(), kSize) != 0) return Said(-1);
  return Said(connect(socket.get(), to.get(), to.length()));
}

}  // namespace

std::string Said(long result) {
  if (result >= 0) return "OK";
  const char* name = strerrorname_np(errno);
  return name != nullptr ? name : "an unknown error";
}

std::string TryConnect(const Target& target) { return ConnectBy(SocketAddress(target), 0); }

std::string TryMultipath(const Target& target) {
  return ConnectBy(SocketAddress(target), kMultipath);
}

// A loose source route with one stop, which is where it is to go at last (RFC 791 §3.1).
std::string TrySourceRoute(const Target& target) {
  std::array<uint8_t, 8> route = {IPOPT_LSRR, 7, 4};
  std::ranges::copy(target.address.octets(), route.begin() + 3);
  return ConnectWith(target, IPPROTO_IP, IP_OPTIONS, route);
}

// Segment routing by way of the destination itself (RFC 8754 §2): every kernel has it.
std::string TryRoutingHeader(const Target& target) {
  std::array<uint8_t, 40> header = {0, 4, 4, 1, 1};  // type 4, one segment left of two
  std::ranges::copy(target.address.octets(), header.begin() + 8);
  std::ranges::copy(target.address.octets(), header.begin() + 24);
  return ConnectWith(target, IPPROTO_IPV6, IPV6_RTHDR, header);
}

std::string TryMapped(const Target& target) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(target.port);
  // By hand: an IpAddress takes a mapped address for what it is.
  to.sin6_addr.s6_addr[10] = to.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&to.sin6_addr.s6_addr[12], target.address.octets().data(), 4);
  const UniqueFd socket(::socket(AF_INET6, SOCK_STREAM, 0));
  if (!socket) return Said(-1);
  return Said(connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to));
}

std::string TryFastOpen(const Target& target) {
  const SocketAddress to(target);
  const UniqueFd socket(::socket(to.family(), SOCK_STREAM, 0));
  if (!socket) return Said(-1);
  return Said(sendto(socket.get(), "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, to.get(), to.length()));
}

std::string TrySyscall(const Target& target) {
  const SocketAddress to(target);
  const long socket = syscall(SYS_socket, to.family(), SOCK_STREAM, 0);
  if (socket < 0) return Said(-1);
  return Said(syscall(SYS_connect, socket, to.get(), to.length()));
}

std::string TryDnsOverTcp(const Target& target) {
  const SocketAddress to(target);
  const UniqueFd socket(::socket(to.family(), SOCK_STREAM, 0));
  if (!socket || connect(socket.get(), to.get(), to.length()) != 0) return Said(-1);
  const std::string question = DnsQuestion(QnameOf("dns-tcp"));
  const std::string message = std::string(1, '\0') + static_cast<char>(question.size()) + question;
  return Said(send(socket.get(), message.data(), message.size(), MSG_NOSIGNAL));
}

}  // namespace namegate::doctor
