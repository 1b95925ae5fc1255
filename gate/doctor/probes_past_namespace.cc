// Ways that a network namespace alone would not close.

#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "common/unique_fd.h"
#include "gate/doctor/probe.h"
#include "gate/doctor/socket_address.h"
#include "gate/enclave/layout.h"

namespace namegate::doctor {
namespace {

constexpr uint32_t kVsockLocal = 1;  // VMADDR_CID_LOCAL

uint16_t Checksum(const void* octets, size_t size) {
  uint32_t sum = 0;
  for (size_t at = 0; at + 1 < size; at += 2) {
    uint16_t word = 0;
    std::memcpy(&word, static_cast<const uint8_t*>(octets) + at, sizeof word);
    sum += word;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// A datagram of no octets, which needs no checksum of its own.
struct Datagram {
  iphdr ip;
  udphdr udp;
};

Datagram MakeDatagram(const Target& target, const IpAddress& source) {
  Datagram datagram{};
  datagram.ip.version = 4;
  datagram.ip.ihl = 5;
  datagram.ip.tot_len = htons(sizeof datagram);
  datagram.ip.ttl = 64;
  datagram.ip.protocol = IPPROTO_UDP;
  std::memcpy(&datagram.ip.saddr, source.octets().data(), sizeof datagram.ip.saddr);
  std::memcpy(&datagram.ip.daddr, target.address.octets().data(), sizeof datagram.ip.daddr);
  datagram.ip.check = Checksum(&datagram.ip, sizeof datagram.ip);
  datagram.udp.source = htons(40'000);
  datagram.udp.dest = htons(target.port);
  datagram.udp.len = htons(sizeof datagram.udp);
  return datagram;
}

}  // namespace

std::string TryUserNamespace(const Target& target) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return Said(-1);
  return TryConnect(target);
}

std::string TryOutsideNamespace(const Target& target) {
  const std::string path = "/proc/" + std::to_string(target.outside) + "/ns/net";
  const UniqueFd network(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!network || setns(network.get(), CLONE_NEWNET) != 0) return Said(-1);
  return TryConnect(target);
}

std::string TryInherited(const Target& target) { return Said(write(target.inherited, "x", 1)); }

std::string TryKept(const Target& target) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, target.outside, 0)));
  if (!process) return Said(-1);
  const UniqueFd taken(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), target.kept, 0)));
  if (!taken) return Said(-1);
  return Said(write(taken.get(), "x", 1));
}

std::string TryPacket(const Target& target) {
  const UniqueFd socket(::socket(AF_PACKET, SOCK_DGRAM, 0));
  if (!socket) return Said(-1);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_IP);
  to.sll_halen = ETH_ALEN;
  const unsigned link = if_nametoindex(enclave::kSandboxLink);
  to.sll_ifindex = static_cast<int>(link != 0 ? link : if_nametoindex("lo"));
  if (link != 0) std::ranges::copy(enclave::kGatewayMac, to.sll_addr);
  const Datagram datagram =
      MakeDatagram(target, link != 0 ? enclave::SandboxAddress() : target.address);
  return Said(sendto(socket.get(), &datagram, sizeof datagram, 0,
                     reinterpret_cast<const sockaddr*>(&to), sizeof to));
}

std::string TryPing(const Target& target) {
  const UniqueFd socket(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  if (!socket) return Said(-1);
  icmphdr request{};
  request.type = ICMP_ECHO;
  request.un.echo.id = htons(target.port);
  request.checksum = Checksum(&request, sizeof request);
  const SocketAddress to(target);
  return Said(sendto(socket.get(), &request, sizeof request, 0, to.get(), to.length()));
}

std::string TryVsock(const Target& target) {
  const UniqueFd socket(::socket(AF_VSOCK, SOCK_STREAM, 0));
  if (!socket) return Said(-1);
  sockaddr_vm to{};
  to.svm_family = AF_VSOCK;
  to.svm_cid = kVsockLocal;
  to.svm_port = target.port;
  return Said(connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to));
}

std::string TryUnix(const Target& target) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  if (!socket) return Said(-1);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  target.socket.copy(to.sun_path, sizeof to.sun_path - 1);
  if (target.socket.starts_with('@')) to.sun_path[0] = '\0';
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + target.socket.size());
  return Said(connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), length));
}

// The directory is held open while the mount namespace that it was found in ends.
std::string TryUncovered(const Target& target) {
  const size_t slash = target.socket.rfind('/');
  const UniqueFd directory(open(target.socket.substr(0, slash).c_str(), O_PATH | O_DIRECTORY));
  if (!directory || unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return Said(-1);
  Target found = target;
  found.socket = "/proc/self/fd/" + std::to_string(directory.get()) + target.socket.substr(slash);
  return TryUnix(found);
}

}  // namespace namegate::doctor
