#include "gate/enclave/packet.h"

#include <netinet/in.h>

#include <algorithm>

namespace namegate::enclave {
namespace {

constexpr size_t kIpv4Header = 20;
constexpr size_t kIpv6Header = 40;
constexpr size_t kTcpHeader = 20;
constexpr size_t kUdpHeader = 8;
constexpr size_t kIcmpHeader = 8;
constexpr uint8_t kHopLimit = 64;

constexpr uint8_t kFin = 0x01;
constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kRst = 0x04;
constexpr uint8_t kAck = 0x10;

uint16_t Read16(std::span<const uint8_t> octets, size_t at) {
  return static_cast<uint16_t>(octets[at] << 8 | octets[at + 1]);
}

uint32_t Read32(std::span<const uint8_t> octets, size_t at) {
  return static_cast<uint32_t>(Read16(octets, at)) << 16 | Read16(octets, at + 2);
}

void Write16(std::span<uint8_t> octets, size_t at, uint16_t value) {
  octets[at] = static_cast<uint8_t>(value >> 8);
  octets[at + 1] = static_cast<uint8_t>(value & 0xff);
}

void Write32(std::span<uint8_t> octets, size_t at, uint32_t value) {
  Write16(octets, at, static_cast<uint16_t>(value >> 16));
  Write16(octets, at + 2, static_cast<uint16_t>(value & 0xffff));
}

// An IP packet taken apart.
struct Ip {
  bool v4 = true;
  uint8_t protocol = 0;
  std::span<const uint8_t> source;
  std::span<const uint8_t> destination;
  std::span<const uint8_t> payload;
};

std::optional<Ip> ParseIpv4(std::span<const uint8_t> packet) {
  if (packet.size() < kIpv4Header || packet[0] != 0x45)
    return std::nullopt;  // options: source routes
  const size_t length = Read16(packet, 2);
  const bool fragment = (Read16(packet, 6) & 0x3fff) != 0;
  if (length < kIpv4Header || length > packet.size() || fragment) return std::nullopt;
  return Ip{true, packet[9], packet.subspan(12, 4), packet.subspan(16, 4),
            packet.subspan(kIpv4Header, length - kIpv4Header)};
}

std::optional<Ip> ParseIpv6(std::span<const uint8_t> packet) {
  if (packet.size() < kIpv6Header) return std::nullopt;
  const size_t length = Read16(packet, 4);
  if (length > packet.size() - kIpv6Header) return std::nullopt;
  return Ip{false, packet[6], packet.subspan(8, 16), packet.subspan(24, 16),
            packet.subspan(kIpv6Header, length)};
}

std::optional<Ip> ParseIp(std::span<const uint8_t> packet) {
  if (packet.empty()) return std::nullopt;
  if (packet[0] >> 4 == 4) return ParseIpv4(packet);
  if (packet[0] >> 4 == 6) return ParseIpv6(packet);
  return std::nullopt;
}

// A v4-mapped address on the wire would be another destination than the one it is judged as.
std::optional<Endpoint> EndpointOf(const Ip& ip, std::span<const uint8_t> address, uint16_t port) {
  const IpAddress parsed(address);
  if (parsed.is_v4() != ip.v4 || port == 0) return std::nullopt;
  return Endpoint{parsed, port};
}

// The Internet checksum (RFC 1071), as a sum that goes on over several parts of even length.
class Checksum {
 public:
  Checksum& Add(std::span<const uint8_t> octets) {
    for (size_t i = 0; i + 1 < octets.size(); i += 2) sum_ += Read16(octets, i);
    if (octets.size() % 2 == 1) sum_ += static_cast<uint32_t>(octets.back()) << 8;
    return *this;
  }
  Checksum& Add(uint32_t value) {
    sum_ += (value >> 16) + (value & 0xffff);
    return *this;
  }
  uint16_t Finish() const {
    uint64_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(~sum & 0xffff);
  }

 private:
  uint64_t sum_ = 0;
};

// Over the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) and the payload.
uint16_t TransportChecksum(const Ip& ip) {
  return Checksum()
      .Add(ip.source)
      .Add(ip.destination)
      .Add(uint32_t{ip.protocol})
      .Add(static_cast<uint32_t>(ip.payload.size()))
      .Add(ip.payload)
      .Finish();
}

// An IP header with room for `payload` octets behind it.
Packet MakeIp(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
              size_t payload) {
  const bool v4 = source.is_v4();
  const size_t header = v4 ? kIpv4Header : kIpv6Header;
  Packet packet(header + payload);
  if (v4) {
    packet[0] = 0x45;
    Write16(packet, 2, static_cast<uint16_t>(packet.size()));
    packet[8] = kHopLimit;
    packet[9] = protocol;  // the kernel fills in identification and header checksum (raw(7))
  } else {
    packet[0] = 0x60;
    Write16(packet, 4, static_cast<uint16_t>(payload));
    packet[6] = protocol;
    packet[7] = kHopLimit;
  }
  const size_t addresses = v4 ? 12 : 8;
  std::ranges::copy(source.octets(), packet.begin() + static_cast<ptrdiff_t>(addresses));
  std::ranges::copy(destination.octets(),
                    packet.begin() + static_cast<ptrdiff_t>(addresses + source.octets().size()));
  return packet;
}

struct IcmpCode {
  uint8_t type;
  uint8_t code;
};

IcmpCode CodeFor(bool v4, Unreachable why) {
  switch (why) {
    case Unreachable::kNetwork:
      return v4 ? IcmpCode{3, 0} : IcmpCode{1, 0};
    case Unreachable::kHost:
      return v4 ? IcmpCode{3, 1} : IcmpCode{1, 3};
    case Unreachable::kProtocol:
      return v4 ? IcmpCode{3, 2} : IcmpCode{4, 1};
    case Unreachable::kPort:
      return v4 ? IcmpCode{3, 3} : IcmpCode{1, 4};
    case Unreachable::kProhibited:
      break;
  }
  return v4 ? IcmpCode{3, 13} : IcmpCode{1, 1};
}

}  // namespace

std::optional<Syn> ParseSyn(std::span<const uint8_t> packet) {
  const auto ip = ParseIp(packet);
  if (!ip || ip->protocol != IPPROTO_TCP || ip->payload.size() < kTcpHeader) return std::nullopt;
  const std::span<const uint8_t> tcp = ip->payload;
  const size_t header = static_cast<size_t>(tcp[12] >> 4) * 4;
  if (header < kTcpHeader || header > tcp.size()) return std::nullopt;
  if ((tcp[13] & (kSyn | kAck | kRst | kFin)) != kSyn) return std::nullopt;
  const auto source = EndpointOf(*ip, ip->source, Read16(tcp, 0));
  const auto destination = EndpointOf(*ip, ip->destination, Read16(tcp, 2));
  if (!source || !destination) return std::nullopt;
  return Syn{*source, *destination, Read32(tcp, 4)};
}

std::optional<Datagram> ParseDatagram(std::span<const uint8_t> packet) {
  const auto ip = ParseIp(packet);
  if (!ip || ip->protocol != IPPROTO_UDP || ip->payload.size() < kUdpHeader) return std::nullopt;
  const std::span<const uint8_t> udp = ip->payload;
  const size_t length = Read16(udp, 4);
  if (length < kUdpHeader || length > udp.size()) return std::nullopt;
  const auto source = EndpointOf(*ip, ip->source, Read16(udp, 0));
  const auto destination = EndpointOf(*ip, ip->destination, Read16(udp, 2));
  if (!source || !destination) return std::nullopt;
  return Datagram{*source, *destination, udp.subspan(kUdpHeader, length - kUdpHeader)};
}

Packet WithChecksum(std::span<const uint8_t> packet) {
  const size_t header = packet[0] >> 4 == 4 ? kIpv4Header : kIpv6Header;
  Packet finished(packet.begin(), packet.end());
  Write16(finished, header + 16, 0);
  const auto ip = ParseIp(finished);
  if (!ip) return {};
  finished.resize(header + ip->payload.size());
  Write16(finished, header + 16, TransportChecksum(*ParseIp(finished)));
  return finished;
}

Packet MakeReset(const Syn& syn) {
  Packet packet = MakeIp(syn.destination.address, syn.source.address, IPPROTO_TCP, kTcpHeader);
  const size_t tcp = packet.size() - kTcpHeader;
  Write16(packet, tcp, syn.destination.port);
  Write16(packet, tcp + 2, syn.source.port);
  Write32(packet, tcp + 8, syn.sequence + 1);
  packet[tcp + 12] = kTcpHeader / 4 << 4;
  packet[tcp + 13] = kRst | kAck;
  return WithChecksum(packet);
}

Packet MakeUnreachable(std::span<const uint8_t> quoted, Unreachable why) {
  const bool v4 = quoted[0] >> 4 == 4;
  const size_t header = v4 ? kIpv4Header : kIpv6Header;
  if (quoted.size() < header + 8) return {};
  const size_t at = v4 ? 12 : 8;
  const size_t width = v4 ? 4 : 16;
  const IpAddress source(quoted.subspan(at, width));
  const IpAddress destination(quoted.subspan(at + width, width));
  const uint8_t protocol = v4 ? uint8_t{IPPROTO_ICMP} : uint8_t{IPPROTO_ICMPV6};
  const std::span<const uint8_t> quote = quoted.first(header + 8);
  Packet packet = MakeIp(destination, source, protocol, kIcmpHeader + quote.size());
  const IcmpCode code = CodeFor(v4, why);
  packet[header] = code.type;
  packet[header + 1] = code.code;
  std::ranges::copy(quote, packet.begin() + static_cast<ptrdiff_t>(header + kIcmpHeader));
  const uint16_t checksum = v4 ? Checksum().Add(std::span(packet).subspan(header)).Finish()
                               : TransportChecksum(*ParseIp(packet));
  Write16(packet, header + 2, checksum);
  return packet;
}

Packet QuotedDatagram(const Endpoint& source, const Endpoint& destination) {
  Packet packet = MakeIp(source.address, destination.address, IPPROTO_UDP, kUdpHeader);
  const size_t udp = packet.size() - kUdpHeader;
  Write16(packet, udp, source.port);
  Write16(packet, udp + 2, destination.port);
  Write16(packet, udp + 4, kUdpHeader);
  return packet;
}

}  // namespace namegate::enclave
