#pragma once

#include <list>
#include <map>

#include "gate/enclave/tcp_gateway.h"

namespace namegate::enclave {

// UDP: relays datagrams between the sandbox and sockets of the host's namespace. One verdict per
// flow, which is one source address and port to one destination.
class UdpGateway {
 public:
  // At a time; the one that was silent longest makes room for a new one.
  static constexpr size_t kMaxFlows = 4'096;
  // Kept while the verdict is awaited; the rest is lost, as datagrams may be.
  static constexpr size_t kMaxQueued = 16;
  // Of all flows together.
  static constexpr size_t kMaxQueuedOctets = 8 << 20;
  // As home routers have it at least (RFC 4787 §4.3), for flows that were answered.
  static constexpr std::chrono::minutes kIdle{3};
  static constexpr std::chrono::seconds kUnanswered{30};
  static constexpr std::chrono::seconds kDnsIdle{15};
  // A denied flow is denied without another question for as long.
  static constexpr std::chrono::seconds kDenied{5};
  static constexpr std::chrono::minutes kPortIdle{5};

  UdpGateway(const Surroundings& around, const Tap& tap) : around_(around), tap_(tap) {}

  // Serves DNS from the start, so that no query is lost to the making of its socket.
  Result<void> Start();
  // What the tap saw: the first datagram to a port.
  void OnPacket(std::span<const uint8_t> packet, Arrival arrival);
  void Tick();
  void EndAll();
  // The command has ended: takes what it sent last. False while a verdict is being waited for.
  bool Settle();
  // Ends a flow that is not permitted any more.
  void Break(int64_t connection);

 private:
  using Payload = std::span<const uint8_t>;
  using Key = std::pair<Endpoint, Endpoint>;  // source, destination
  using Port = std::pair<bool, uint16_t>;     // IPv4?, number
  enum class State : uint8_t { kAsking, kOpen, kDenied };
  struct Flow {
    uint64_t id = 0;
    State state = State::kAsking;
    Permit permit;  // none for DNS
    UniqueFd far;
    Watch watch;
    bool answered = false;
    Clock::time_point used;
  };
  struct PortSocket {
    UniqueFd socket;
    Watch watch;
    Arrival since{};  // of the first datagram that it has got
    Clock::time_point used;
  };

  bool EnsurePort(Port port);
  void TellTap(bool v4) const;
  void ReceiveFromSandbox(Port port);
  // A datagram; without its payload, if that is not known.
  void Handle(const Endpoint& source, const Endpoint& destination, std::optional<Payload> payload);
  void RefuseFrom(const Endpoint& source, const Endpoint& destination);
  // Nothing if there is no room for a question now.
  Flow* Begin(const Key& key, Asking asking);
  void Queue(const Flow& flow, Payload payload);
  std::vector<Packet> TakeQueued(uint64_t id);
  void Judged(const Key& key, uint64_t id, Permit permit);
  // The flow is denied afterwards if there is no way.
  void Open(const Key& key, Flow& flow, const Endpoint& to);
  void Forward(const Key& key, Flow& flow, Payload payload);
  // Passes the ICMP errors on that came for it; false if there were none.
  bool TakeErrors(const Key& key, Flow& flow);
  void ReceiveFromFar(const Key& key, uint64_t id);
  void Reply(const Key& key, Payload payload);
  void Refuse(const Key& key, Unreachable why);
  // The same for a flow that was permitted.
  void Fail(const Key& key, Flow& flow, Unreachable why);
  void EvictOldest();
  static Clock::duration Lifetime(const Key& key, const Flow& flow);

  Surroundings around_;
  const Tap& tap_;
  uint64_t next_id_ = 1;
  std::map<Key, Flow> flows_;
  // What waits for a verdict, by the flow's id; until it comes, whatever has become of the flow.
  std::map<uint64_t, std::vector<Packet>> queued_;
  size_t queued_octets_ = 0;
  std::map<Port, PortSocket> ports_;
};

}  // namespace namegate::enclave
