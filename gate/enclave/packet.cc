#include "gate/enclave/packet.h"

#include <netinet/in.h>

#include <algorithm>

#include "common/network_order.h"

namespace namegate::enclave {
namespace {

constexpr size_t kIpv4Header = 20;
constexpr size_t kIpv6Header = 40;
constexpr size_t kTcpHeader = 20;
constexpr size_t kUdpHeader = 8;
constexpr size_t kIcmpHeader = 8;
constexpr uint8_t kHopLimit = 64;
// Nobody needs more, and the kernel takes no more options of a kind either.
constexpr int kMaxExtensions = 8;
constexpr uint8_t kLooseSourceRoute = 131;
constexpr uint8_t kStrictSourceRoute = 137;

constexpr uint8_t kFin = 0x01;
constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kRst = 0x04;
constexpr uint8_t kAck = 0x10;

// An IP packet taken apart.
struct Ip {
  bool v4 = true;
  uint8_t protocol = 0;
  std::span<const uint8_t> source;
  std::span<const uint8_t> destination;  // the last one
  std::span<const uint8_t> payload;
  bool plain = true;    // no options, no extension headers
  bool whole = true;    // false: the first of fragments
  bool detour = false;  // it has a route of its own
};

void Detour(Ip& ip, std::span<const uint8_t> destination) {
  ip.detour = true;
  ip.destination = destination;
}

// RFC 791 §3.1. A source route counts as long as there are hops to come.
void ReadOptions4(Ip& ip, std::span<const uint8_t> options) {
  while (!options.empty() && options[0] != 0) {
    const bool padding = options[0] == 1;
    const size_t length = padding ? 1 : options.size() < 2 ? 0 : options[1];
    if (length == 0 || length > options.size()) return;
    const bool route = options[0] == kLooseSourceRoute || options[0] == kStrictSourceRoute;
    if (route && length >= 7 && options[2] <= length) Detour(ip, options.subspan(length - 4, 4));
    options = options.subspan(length);
  }
}

std::optional<Ip> ParseIpv4(std::span<const uint8_t> packet) {
  if (packet.size() < kIpv4Header || packet[0] >> 4 != 4) return std::nullopt;
  const size_t header = static_cast<size_t>(packet[0] & 0x0f) * 4;
  const size_t length = ReadU16(packet, 2);
  const uint16_t fragment = ReadU16(packet, 6);
  if (header < kIpv4Header || length < header || length > packet.size()) return std::nullopt;
  if ((fragment & 0x1fff) != 0) return std::nullopt;
  Ip ip{true, packet[9], packet.subspan(12, 4), packet.subspan(16, 4),
        packet.subspan(header, length - header)};
  ip.plain = header == kIpv4Header;
  ip.whole = (fragment & 0x2000) == 0;
  ReadOptions4(ip, packet.subspan(kIpv4Header, header - kIpv4Header));
  return ip;
}

// RFC 8200 §4.4. Segment routing (RFC 8754) has its segments from the last to the first.
void ReadRouting6(Ip& ip, std::span<const uint8_t> header) {
  const bool hops_to_come = header[3] != 0;
  if (!hops_to_come) return;
  const bool has_address = header.size() >= 24;
  const bool segments = header[2] == 4;
  Detour(ip, has_address ? header.subspan(segments ? 8 : header.size() - 16, 16) : ip.destination);
}

// Takes one extension header off. False: there is none. Nothing: it cannot be read.
std::optional<bool> SkipExtension6(Ip& ip) {
  const uint8_t kind = ip.protocol;
  const bool fragment = kind == IPPROTO_FRAGMENT;
  const bool known =
      fragment || kind == IPPROTO_HOPOPTS || kind == IPPROTO_ROUTING || kind == IPPROTO_DSTOPTS;
  if (!known) return false;
  if (ip.payload.size() < 8) return std::nullopt;
  const size_t size = fragment ? 8 : (size_t{ip.payload[1]} + 1) * 8;
  if (size > ip.payload.size()) return std::nullopt;
  const uint16_t offset = ReadU16(ip.payload, 2);
  if (fragment && (offset & 0xfff8) != 0) return std::nullopt;
  if (fragment && (offset & 1) != 0) ip.whole = false;
  if (kind == IPPROTO_ROUTING) ReadRouting6(ip, ip.payload.first(size));
  ip.plain = false;
  ip.protocol = ip.payload[0];
  ip.payload = ip.payload.subspan(size);
  return true;
}

std::optional<Ip> ParseIpv6(std::span<const uint8_t> packet) {
  if (packet.size() < kIpv6Header) return std::nullopt;
  const size_t length = ReadU16(packet, 4);
  if (length > packet.size() - kIpv6Header) return std::nullopt;
  Ip ip{false, packet[6], packet.subspan(8, 16), packet.subspan(24, 16),
        packet.subspan(kIpv6Header, length)};
  for (int i = 0; i < kMaxExtensions; ++i) {
    const auto skipped = SkipExtension6(ip);
    if (!skipped) return std::nullopt;
    if (!*skipped) return ip;
  }
  return std::nullopt;
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
  if (parsed.is_v4() != ip.v4) return std::nullopt;
  return Endpoint{parsed, port};
}

// The Internet checksum (RFC 1071), as a sum that goes on over several parts of even length.
class Checksum {
 public:
  Checksum& Add(std::span<const uint8_t> octets) {
    for (size_t i = 0; i + 1 < octets.size(); i += 2) sum_ += ReadU16(octets, i);
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
    WriteU16(packet, 2, static_cast<uint16_t>(packet.size()));
    packet[8] = kHopLimit;
    packet[9] = protocol;  // the kernel fills in identification and header checksum (raw(7))
  } else {
    packet[0] = 0x60;
    WriteU16(packet, 4, static_cast<uint16_t>(payload));
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
  const auto source = EndpointOf(*ip, ip->source, ReadU16(tcp, 0));
  const auto destination = EndpointOf(*ip, ip->destination, ReadU16(tcp, 2));
  if (!source || !destination || source->port == 0) return std::nullopt;
  return Syn{*source, *destination, ReadU32(tcp, 4), ip->plain && ip->whole};
}

std::optional<Datagram> ParseDatagram(std::span<const uint8_t> packet) {
  const auto ip = ParseIp(packet);
  if (!ip || ip->protocol != IPPROTO_UDP || ip->payload.size() < kUdpHeader) return std::nullopt;
  const std::span<const uint8_t> udp = ip->payload;
  const size_t length = ReadU16(udp, 4);
  if (length < kUdpHeader || (ip->whole && length > udp.size())) return std::nullopt;
  const auto source = EndpointOf(*ip, ip->source, ReadU16(udp, 0));
  const auto destination = EndpointOf(*ip, ip->destination, ReadU16(udp, 2));
  if (!source || !destination || source->port == 0) return std::nullopt;
  Datagram datagram{*source, *destination, std::nullopt, ip->detour};
  if (ip->whole) datagram.payload = udp.subspan(kUdpHeader, length - kUdpHeader);
  return datagram;
}

Packet WithChecksum(std::span<const uint8_t> packet) {
  const size_t header = packet[0] >> 4 == 4 ? kIpv4Header : kIpv6Header;
  Packet finished(packet.begin(), packet.end());
  WriteU16(finished, header + 16, 0);
  const auto ip = ParseIp(finished);
  if (!ip) return {};
  finished.resize(header + ip->payload.size());
  WriteU16(finished, header + 16, TransportChecksum(*ParseIp(finished)));
  return finished;
}

Packet MakeReset(const Syn& syn) {
  Packet packet = MakeIp(syn.destination.address, syn.source.address, IPPROTO_TCP, kTcpHeader);
  const size_t tcp = packet.size() - kTcpHeader;
  WriteU16(packet, tcp, syn.destination.port);
  WriteU16(packet, tcp + 2, syn.source.port);
  WriteU32(packet, tcp + 8, syn.sequence + 1);
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
  WriteU16(packet, header + 2, checksum);
  return packet;
}

Packet QuotedDatagram(const Endpoint& source, const Endpoint& destination) {
  Packet packet = MakeIp(source.address, destination.address, IPPROTO_UDP, kUdpHeader);
  const size_t udp = packet.size() - kUdpHeader;
  WriteU16(packet, udp, source.port);
  WriteU16(packet, udp + 2, destination.port);
  WriteU16(packet, udp + 4, kUdpHeader);
  return packet;
}

}  // namespace namegate::enclave
