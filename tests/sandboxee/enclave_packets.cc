// ADDRESS PORT: as root, writes packets for ADDRESS and PORT to the device itself, as no kernel
// would: SYNs with options, in fragments, of other senders, with lengths that lie, behind IPv6
// extension headers; and a lot of noise. Says how many kinds there were. For further pairs ADDRESS
// PORT, which may be ones that the kernel would send to itself, one SYN and one datagram each.

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>

#include <vector>

#include "tests/sandboxee/sandboxee.h"

namespace {

using Packet = std::vector<unsigned char>;

constexpr unsigned char kTcp = 6;
constexpr unsigned char kUdp = 17;

void Put16(Packet& packet, size_t at, unsigned value) {
  packet[at] = static_cast<unsigned char>(value >> 8);
  packet[at + 1] = static_cast<unsigned char>(value);
}

// The device and the gateway behind it.
class Wire {
 public:
  Wire() : fd_(Socket(AF_PACKET, SOCK_DGRAM)) {
    to_.sll_family = AF_PACKET;
    to_.sll_ifindex = static_cast<int>(if_nametoindex("eth0"));
    to_.sll_halen = 6;
    const unsigned char gateway[] = {0x02, 0x4e, 0x47, 0x00, 0x00, 0x01};
    memcpy(to_.sll_addr, gateway, sizeof gateway);
  }
  void Send(const Packet& packet, int protocol) {
    to_.sll_protocol = htons(static_cast<unsigned short>(protocol));
    sendto(fd_, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to_),
           sizeof to_);
    ++sent_;
  }
  int sent() const { return sent_; }

 private:
  int fd_;
  sockaddr_ll to_ = {};
  int sent_ = 0;
};

Packet Header4(const Target& target, unsigned char protocol, size_t payload) {
  Packet packet(20 + payload);
  packet[0] = 0x45;
  Put16(packet, 2, static_cast<unsigned>(packet.size()));
  packet[8] = 64;
  packet[9] = protocol;
  const unsigned char source[] = {10, 64, 0, 2};
  memcpy(&packet[12], source, 4);
  memcpy(&packet[16], &reinterpret_cast<const sockaddr_in*>(&target.storage)->sin_addr, 4);
  return packet;
}

void Finish4(Packet& packet) {
  const size_t header = static_cast<size_t>(packet[0] & 15) * 4;
  Put16(packet, 10, 0);
  unsigned sum = 0;
  for (size_t i = 0; i < header && i + 1 < packet.size(); i += 2) {
    sum += static_cast<unsigned>(packet[i] << 8 | packet[i + 1]);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  Put16(packet, 10, ~sum & 0xffff);
}

// A SYN; its own checksum is left out, as where a device is to compute it.
Packet Syn4(const Target& target) {
  Packet packet = Header4(target, kTcp, 20);
  Put16(packet, 20, 40'000);
  Put16(packet, 22, ntohs(reinterpret_cast<const sockaddr_in*>(&target.storage)->sin_port));
  packet[32] = 5 << 4;
  packet[33] = 2;
  Finish4(packet);
  return packet;
}

Packet Datagram4(const Target& target) {
  Packet packet = Header4(target, kUdp, 12);
  Put16(packet, 20, 40'000);
  Put16(packet, 22, ntohs(reinterpret_cast<const sockaddr_in*>(&target.storage)->sin_port));
  Put16(packet, 24, 12);
  Finish4(packet);
  return packet;
}

void Change4(Wire& wire, Packet packet, size_t at, std::vector<unsigned char> octets) {
  memcpy(&packet[at], octets.data(), octets.size());
  Finish4(packet);
  wire.Send(packet, ETH_P_IP);
}

void Odd4(Wire& wire, const Target& target) {
  const Packet syn = Syn4(target);
  const Packet datagram = Datagram4(target);
  for (const Packet& whole : {syn, datagram}) {
    Change4(wire, whole, 6, {0x20, 0x00});       // the first of fragments
    Change4(wire, whole, 6, {0x00, 0x01});       // a later fragment
    Change4(wire, whole, 12, {203, 0, 113, 9});  // of another sender
    Change4(wire, whole, 12, {127, 0, 0, 1});    // of the gateway's own loopback
    Change4(wire, whole, 12, {10, 64, 0, 1});    // of the gateway itself
    Change4(wire, whole, 2, {0xff, 0xff});       // longer than it is
    Change4(wire, whole, 2, {0x00, 0x14});       // with nothing in it
    Change4(wire, whole, 0, {0x44});             // a header shorter than a header
    Change4(wire, whole, 0, {0x4f});             // a header longer than the packet
    Change4(wire, whole, 0, {0x65});             // of another version
    Change4(wire, whole, 9, {1});                // of another protocol
    for (size_t size = 0; size < whole.size(); size += 3) {
      wire.Send(Packet(whole.begin(), whole.begin() + static_cast<long>(size)), ETH_P_IP);
    }
    wire.Send(whole, ETH_P_IPV6);
  }
  Change4(wire, syn, 32, {0xf0, 0x02});  // TCP options that are not there
  Change4(wire, syn, 32, {0x00, 0x02});  // no TCP header
  for (unsigned char flags = 3; flags != 2; ++flags) Change4(wire, syn, 33, {flags});
  Change4(wire, datagram, 24, {0xff, 0xff});  // UDP longer than its packet
  Change4(wire, datagram, 24, {0x00, 0x01});  // UDP shorter than its header
}

// A SYN behind extension headers of which `next` is the first.
void Syn6(Wire& wire, unsigned char next, const Packet& extension) {
  Packet packet(40);
  packet[0] = 0x60;
  packet[6] = next;
  packet[7] = 64;
  const unsigned char source[] = {0xfd, 0x4e, 0x61, 0x74, 0x65, 0x67, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  const unsigned char to[] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  memcpy(&packet[8], source, 16);
  memcpy(&packet[24], to, 16);
  packet.insert(packet.end(), extension.begin(), extension.end());
  Packet tcp(20);
  Put16(tcp, 0, 40'001);
  Put16(tcp, 2, 443);
  tcp[12] = 5 << 4;
  tcp[13] = 2;
  packet.insert(packet.end(), tcp.begin(), tcp.end());
  Put16(packet, 4, static_cast<unsigned>(packet.size() - 40));
  wire.Send(packet, ETH_P_IPV6);
}

void Odd6(Wire& wire) {
  const Packet padding = {kTcp, 0, 1, 4, 0, 0, 0, 0};
  Syn6(wire, 0, padding);                        // hop-by-hop options
  Syn6(wire, 60, padding);                       // destination options
  Syn6(wire, 44, {kTcp, 0, 0, 1, 0, 0, 0, 7});   // a fragment with more to come
  Syn6(wire, 44, {kTcp, 0, 0, 0, 0, 0, 0, 7});   // a fragment that is all
  Syn6(wire, 43, {kTcp, 0, 0, 1, 0, 0, 0, 0});   // a routing header of type 0
  Syn6(wire, 43, {kTcp, 0, 4, 0, 0, 0, 0, 0});   // segment routing without segments
  Syn6(wire, 51, padding);                       // authentication
  Syn6(wire, 59, padding);                       // no next header
  Syn6(wire, 0, {kTcp, 255, 1, 4, 0, 0, 0, 0});  // options longer than the packet
}

void Noise(Wire& wire, const Target& target) {
  unsigned state = 1;
  for (int i = 0; i < 5'000; ++i) {
    Packet packet = i % 2 == 0 ? Syn4(target) : Packet(60);
    for (int j = 0; j < 6; ++j) {
      state = state * 1'103'515'245 + 12'345;
      packet[(state >> 16) % packet.size()] = static_cast<unsigned char>(state >> 8);
    }
    packet[9] = packet[9] == kUdp ? kUdp : kTcp;
    wire.Send(packet, i % 3 == 0 ? ETH_P_IPV6 : ETH_P_IP);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  Wire wire;
  Odd4(wire, target);
  Odd6(wire);
  const int odd = wire.sent();
  Noise(wire, target);
  for (int i = 1; 2 * i + 2 < argc; ++i) {
    const Target own = ArgumentTarget(argc, argv, i);
    wire.Send(Syn4(own), ETH_P_IP);
    wire.Send(Datagram4(own), ETH_P_IP);
  }
  printf("%d odd packets, and noise\n", odd);
  return 0;
}
