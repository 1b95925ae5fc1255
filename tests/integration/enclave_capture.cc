#include "tests/integration/enclave_capture.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

#include "common/ip_address.h"

namespace namegate::testing {
namespace {

// Room for what a test sends in all; a packet that is dropped could be the one that counts.
constexpr int kBuffer = 32 << 20;

bool IsLoopback(const IpAddress& address) {
  const auto octets = address.octets();
  if (address.is_v4()) return octets[0] == 127;
  return address == IpAddress::FromText("::1");
}

}  // namespace

Capture::Capture()
    : socket_(socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
  if (!socket_) throw std::runtime_error("no packet socket for the test");
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer);
}

std::set<std::string> Capture::Seen() {
  std::array<uint8_t, 64> head{};
  for (;;) {
    const ssize_t got = recv(socket_.get(), head.data(), head.size(), 0);
    if (got < 0) break;
    const bool v4 = head[0] >> 4 == 4;
    const std::span<const uint8_t> octets(head);
    const IpAddress to(v4 ? octets.subspan(16, 4) : octets.subspan(24, 16));
    if (!IsLoopback(to)) seen_.insert(to.ToText());
  }
  tpacket_stats lost{};
  socklen_t length = sizeof lost;
  getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &lost, &length);
  if (lost.tp_drops > 0) seen_.insert("(packets were lost)");
  return seen_;
}

}  // namespace namegate::testing
