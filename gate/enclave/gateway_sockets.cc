#include "gate/enclave/gateway_sockets.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/in6.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "common/system_error.h"
#include "gate/enclave/connection.h"
#include "gate/enclave/layout.h"

namespace namegate::enclave {
namespace {

constexpr int kBacklog = 4'096;
// A burst of a thousand connections or a few megabytes of datagrams.
constexpr int kTapBuffer = 4 << 20;
constexpr int kUdpBuffer = 1 << 20;

constexpr uint8_t kSynOnly = 0x02;
constexpr uint8_t kSynFinRstAck = 0x17;
constexpr uint8_t kSynAck = 0x12;
constexpr uint32_t kLoopbackIndex = 1;  // in every namespace

bool Set(const UniqueFd& socket, int level, int option, int value) {
  return setsockopt(socket.get(), level, option, &value, sizeof value) == 0;
}

constexpr sock_filter Statement(uint16_t code, uint32_t k) { return {code, 0, 0, k}; }
constexpr sock_filter Jump(uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false) {
  return {code, if_true, if_false, k};
}
constexpr uint16_t kJumpIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr uint16_t kJumpIfSet = BPF_JMP | BPF_JSET | BPF_K;
constexpr uint16_t kAnd = BPF_ALU | BPF_AND | BPF_K;
constexpr sock_filter kDrop = Statement(BPF_RET | BPF_K, 0);
constexpr sock_filter kAccept = Statement(BPF_RET | BPF_K, 0xffffffff);

bool Attach(const UniqueFd& socket, const std::vector<sock_filter>& filter) {
  const sock_fprog program{static_cast<uint16_t>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};
  return setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

// Offset 0 is the TCP header. Accepted connections inherit the filter, so it must let everything
// but a bare SYN pass.
std::vector<sock_filter> ListenerFilter() {
  return {
      Statement(BPF_LD | BPF_B | BPF_ABS, 13),
      Statement(kAnd, kSynAck),
      Jump(kJumpIfEqual, kSynOnly, 0, 3),
      Statement(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_IFINDEX)),
      Jump(kJumpIfEqual, kLoopbackIndex, 1, 0),
      kDrop,
      kAccept,
  };
}

// With the destination port of a datagram loaded: drops what is served.
void AddServedPorts(std::vector<sock_filter>& filter, const std::vector<uint16_t>& ports) {
  for (size_t i = 0; i < ports.size() && i < Tap::kMaxServedPorts; ++i) {
    filter.push_back(Jump(kJumpIfEqual, ports[i], 0, 1));
    filter.push_back(kDrop);
  }
  filter.push_back(kAccept);
}

// Offset 0 is the IP header. Fragments but the first have no TCP or UDP header. What has IP options
// is seen whatever it is for: the kernel drops some, and no socket tells.
std::vector<sock_filter> TapFilter4(const std::vector<uint16_t>& served) {
  std::vector<sock_filter> filter = {
      Statement(BPF_LD | BPF_H | BPF_ABS, 6),
      Jump(kJumpIfSet, 0x1fff, 8, 0),
      Statement(BPF_LDX | BPF_B | BPF_MSH, 0),
      Statement(BPF_LD | BPF_B | BPF_ABS, 9),
      Jump(kJumpIfEqual, IPPROTO_UDP, 6, 0),
      Jump(kJumpIfEqual, IPPROTO_TCP, 0, 4),
      Statement(BPF_LD | BPF_B | BPF_IND, 13),
      Statement(kAnd, kSynFinRstAck),
      Jump(kJumpIfEqual, kSynOnly, 0, 1),
      kAccept,
      kDrop,
      Statement(BPF_LD | BPF_B | BPF_ABS, 0),
      Jump(kJumpIfEqual, 0x45, 1, 0),
      kAccept,
      Statement(BPF_LD | BPF_H | BPF_IND, 2),
  };
  AddServedPorts(filter, served);
  return filter;
}

// The same; extension headers stand for options. X is where the UDP header starts.
std::vector<sock_filter> TapFilter6(const std::vector<uint16_t>& served) {
  std::vector<sock_filter> filter = {
      Statement(BPF_LDX | BPF_IMM, 40),
      Statement(BPF_LD | BPF_B | BPF_ABS, 6),
      Jump(kJumpIfEqual, IPPROTO_UDP, 16, 0),
      Jump(kJumpIfEqual, IPPROTO_TCP, 0, 4),
      Statement(BPF_LD | BPF_B | BPF_ABS, 40 + 13),
      Statement(kAnd, kSynFinRstAck),
      Jump(kJumpIfEqual, kSynOnly, 0, 11),
      kAccept,
      Jump(kJumpIfEqual, IPPROTO_HOPOPTS, 8, 0),
      Jump(kJumpIfEqual, IPPROTO_ROUTING, 7, 0),
      Jump(kJumpIfEqual, IPPROTO_DSTOPTS, 6, 0),
      Jump(kJumpIfEqual, IPPROTO_FRAGMENT, 0, 6),
      Statement(BPF_LD | BPF_H | BPF_ABS, 40 + 2),
      Jump(kJumpIfSet, 0xfff8, 4, 0),
      Statement(BPF_LDX | BPF_IMM, 40 + 8),
      Statement(BPF_LD | BPF_B | BPF_ABS, 40),
      Jump(kJumpIfEqual, IPPROTO_UDP, 2, 0),
      kAccept,
      kDrop,
      Statement(BPF_LD | BPF_H | BPF_IND, 2),
  };
  AddServedPorts(filter, served);
  return filter;
}

Arrival Since(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + Arrival(time.tv_nsec);
}

// The next message of a socket with SO_TIMESTAMPNS; its size, or -1.
struct Received {
  ssize_t size = -1;
  Arrival arrival{};
};
Received ReceiveStamped(int socket, std::span<uint8_t> buffer, sockaddr_ll* from, int flags) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(in6_pktinfo))>
      control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_name = from;
  message.msg_namelen = from != nullptr ? sizeof *from : 0;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  Received received;
  received.size = recvmsg(socket, &message, flags);
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); received.size >= 0 && item != nullptr;
       item = CMSG_NXTHDR(&message, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(item), sizeof time);
    received.arrival = Since(time);
  }
  return received;
}

// What every socket that speaks as another host needs.
bool SpeakForAll(const UniqueFd& socket, bool v4) {
  const bool transparent = v4 ? Set(socket, IPPROTO_IP, IP_TRANSPARENT, 1)
                              : Set(socket, IPPROTO_IPV6, IPV6_TRANSPARENT, 1) &&
                                    Set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  return transparent && Set(socket, SOL_SOCKET, SO_MARK, static_cast<int>(kRelayMark)) &&
         Set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
}

bool BindPort(const UniqueFd& socket, bool v4, uint16_t port) {
  sockaddr_storage storage{};
  storage.ss_family = v4 ? AF_INET : AF_INET6;
  if (v4) {
    reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
  }
  const socklen_t length = v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0;
}

constexpr int kFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

Result<UniqueFd> OpenTap(bool v4) {
  // Protocol 0 receives nothing; bind() starts it, when the filter is there.
  UniqueFd socket(::socket(AF_PACKET, SOCK_DGRAM | kFlags, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(v4 ? ETH_P_IP : ETH_P_IPV6);
  address.sll_ifindex = static_cast<int>(if_nametoindex(kGatewayLink));
  if (!socket || !Attach(socket, v4 ? TapFilter4({}) : TapFilter6({}))) {
    return SystemError("open a packet socket (the kernel's CONFIG_PACKET)");
  }
  Set(socket, SOL_SOCKET, SO_RCVBUF, kTapBuffer);
  Set(socket, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return SystemError("watch the gateway's device");
  }
  return socket;
}

}  // namespace

Result<UniqueFd> OpenListener(bool v4, uint16_t port) {
  UniqueFd socket(::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | kFlags, 0));
  // What is accepted has it from the listener (socket(7)): if the relay is killed before it has set
  // a connection up, that is broken like the others, and not ended.
  if (socket) BreakOnClose(socket.get(), true);
  if (!socket || !SpeakForAll(socket, v4) || !Attach(socket, ListenerFilter()) ||
      !BindPort(socket, v4, port) || listen(socket.get(), kBacklog) != 0) {
    return SystemError("listen in the gateway");
  }
  return socket;
}

Result<UniqueFd> OpenUdpPort(bool v4, uint16_t port) {
  UniqueFd socket(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | kFlags, 0));
  const auto tell_address = [&] {
    return v4 ? Set(socket, IPPROTO_IP, IP_PKTINFO, 1)
              : Set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  };
  if (!socket || !SpeakForAll(socket, v4) || !tell_address() || !BindPort(socket, v4, port)) {
    return SystemError("serve a UDP port in the gateway");
  }
  Set(socket, SOL_SOCKET, SO_RCVBUF, kUdpBuffer);
  Set(socket, SOL_SOCKET, SO_SNDBUF, kUdpBuffer);
  return socket;
}

Arrival NextArrival(int socket) {
  // The stamp is there in any case; this is to be told.
  int told = 1;
  setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &told, sizeof told);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const Received next = ReceiveStamped(socket, {}, nullptr, MSG_PEEK | MSG_DONTWAIT);
  told = 0;
  setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &told, sizeof told);
  return next.size < 0 ? Since(now) : next.arrival;
}

Result<RawSender> RawSender::Open(uint32_t mark) {
  RawSender sender;
  sender.v4_.Reset(::socket(AF_INET, SOCK_RAW | kFlags, IPPROTO_RAW));
  sender.v6_.Reset(::socket(AF_INET6, SOCK_RAW | kFlags, IPPROTO_RAW));
  for (const UniqueFd* socket : {&sender.v4_, &sender.v6_}) {
    if (!*socket) return SystemError("open a raw socket in the gateway");
    if (mark != 0 && !Set(*socket, SOL_SOCKET, SO_MARK, static_cast<int>(mark))) {
      return SystemError("mark the gateway's packets");
    }
  }
  if (!Set(sender.v6_, IPPROTO_IPV6, IPV6_HDRINCL, 1)) return SystemError("send raw packets");
  return sender;
}

void RawSender::Send(std::span<const uint8_t> packet) const {
  if (packet.size() < 40) return;
  const bool v4 = packet[0] >> 4 == 4;
  const IpAddress to(v4 ? packet.subspan(16, 4) : packet.subspan(24, 16));
  sockaddr_storage storage{};
  const socklen_t length = to.ToSockaddr(0, &storage);
  // A packet that is lost here is sent again by whoever waits for it.
  [[maybe_unused]] const ssize_t sent =
      sendto((v4 ? v4_ : v6_).get(), packet.data(), packet.size(), 0,
             reinterpret_cast<const sockaddr*>(&storage), length);
}

Result<Tap> Tap::Open() {
  Tap tap;
  for (const bool v4 : {true, false}) {
    auto socket = OpenTap(v4);
    if (!socket) return socket.error();
    (v4 ? tap.v4_ : tap.v6_) = std::move(socket).value();
  }
  return tap;
}

void Tap::Serve(bool v4, const std::vector<uint16_t>& ports) const {
  Attach(v4 ? v4_ : v6_, v4 ? TapFilter4(ports) : TapFilter6(ports));
}

std::optional<Tap::Seen> Tap::Receive(int fd, std::span<uint8_t> buffer) {
  sockaddr_ll from{};
  const auto [got, arrival] = ReceiveStamped(fd, buffer, &from, MSG_TRUNC);
  if (got < 0) return std::nullopt;
  const auto size = static_cast<size_t>(got);
  const bool of_interest = from.sll_pkttype == PACKET_HOST && size <= buffer.size();
  return Seen{buffer.first(of_interest ? size : 0), arrival};
}

}  // namespace namegate::enclave
