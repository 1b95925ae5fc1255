#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/endpoint.h"

// Packets as the tap sees them, from the IP header on, and those that the relay makes. What the
// sandbox sent is hostile: what cannot be read as one of these is nothing here.

namespace namegate::enclave {

using Packet = std::vector<uint8_t>;

// A bare SYN: the start of a TCP connection.
struct Syn {
  Endpoint source;
  Endpoint destination;
  uint32_t sequence = 0;
  // False: with IP options, behind IPv6 extension headers, or a fragment. Then it can be refused,
  // and no more.
  bool plain = true;
};

// Nothing unless it is an IP packet, or the first fragment of one, that holds a TCP segment with
// SYN and without ACK, RST and FIN. Of one with a route of its own the destination is where that
// ends.
std::optional<Syn> ParseSyn(std::span<const uint8_t> packet);

struct Datagram {
  Endpoint source;
  Endpoint destination;
  // Inside the packet it was read from; nothing if that is the first fragment alone.
  std::optional<std::span<const uint8_t>> payload;
  bool detour = false;  // it would go to its destination by way of others
};

// The same for UDP.
std::optional<Datagram> ParseDatagram(std::span<const uint8_t> packet);

// The packet with its TCP checksum computed anew: segmentation offload leaves it unfinished.
// `packet` is one that ParseSyn() has read, and plain.
Packet WithChecksum(std::span<const uint8_t> packet);

// The answer to a SYN of a host where nothing listens (RFC 9293 §3.10.7.1).
Packet MakeReset(const Syn& syn);

// Why a destination cannot be reached, as ICMP has it (RFC 792, RFC 4443 §3.1).
enum class Unreachable : uint8_t { kNetwork, kHost, kProtocol, kPort, kProhibited };

// The ICMP message that makes the sender of `quoted` give up; from `quoted`'s destination.
// `quoted` starts with an IP header without options, and 8 octets follow it at least.
Packet MakeUnreachable(std::span<const uint8_t> quoted, Unreachable why);

// The start of a UDP packet from `source` to `destination`, to be quoted.
Packet QuotedDatagram(const Endpoint& source, const Endpoint& destination);

}  // namespace namegate::enclave
