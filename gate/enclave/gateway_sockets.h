#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "common/endpoint.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "gate/enclave/packet.h"

// Sockets of the gateway's namespace. Everything that opens one is called in the namespace thread.

namespace namegate::enclave {

// Listens on a port of every address. A bare SYN is dropped unless it came in over lo, where the
// sandbox cannot send: so a connection comes into being only when the relay injects its SYN.
Result<UniqueFd> OpenListener(bool v4, uint16_t port);

// Receives what is sent to a port of any address, and tells the address (IP_PKTINFO).
Result<UniqueFd> OpenUdpPort(bool v4, uint16_t port);

// When a packet came in, since the epoch: the same for all sockets that get it.
using Arrival = std::chrono::nanoseconds;

// Of the datagram that a socket gives next; now, if there is none.
Arrival NextArrival(int socket);

// Sends whole packets, IP header and all.
class RawSender {
 public:
  // `mark` decides where they go: kRelayMark to the sandbox, 0 into the gateway itself.
  static Result<RawSender> Open(uint32_t mark);
  void Send(std::span<const uint8_t> packet) const;

 private:
  UniqueFd v4_;
  UniqueFd v6_;
};

// Sees the bare SYNs that arrive from the sandbox, and the datagrams to ports that no UDP socket
// serves yet.
class Tap {
 public:
  // On the device kGatewayLink.
  static Result<Tap> Open();
  // `ports` are served, so their datagrams are not seen from now on; no more than
  // kMaxServedPorts count.
  void Serve(bool v4, const std::vector<uint16_t>& ports) const;
  int fd(bool v4) const { return v4 ? v4_.get() : v6_.get(); }
  struct Seen {
    std::span<const uint8_t> packet;  // of no interest if it has no octets
    Arrival arrival;
  };
  // The next packet, in `buffer`; nothing if there is none.
  static std::optional<Seen> Receive(int fd, std::span<uint8_t> buffer);

  // What a filter of 4096 instructions has room for, and then some.
  static constexpr size_t kMaxServedPorts = 256;

 private:
  UniqueFd v4_;
  UniqueFd v6_;
};

}  // namespace namegate::enclave
