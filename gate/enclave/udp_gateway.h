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
  void OnPacket(std::span<const uint8_t> packet);
  void Tick();
  void EndAll() { flows_.clear(); }

 private:
  using Key = std::pair<Endpoint, Endpoint>;  // source, destination
  using Port = std::pair<bool, uint16_t>;     // IPv4?, number
  enum class State : uint8_t { kAsking, kOpen, kDenied };
  struct Flow {
    uint64_t id = 0;
    State state = State::kAsking;
    UniqueFd far;
    Watch watch;
    std::vector<Packet> queued;
    bool answered = false;
    Clock::time_point used;
  };
  struct PortSocket {
    UniqueFd socket;
    Watch watch;
    Clock::time_point used;
  };

  bool EnsurePort(Port port);
  void TellTap(bool v4) const;
  void ReceiveFromSandbox(Port port);
  void Handle(const Endpoint& source, const Endpoint& destination,
              std::span<const uint8_t> payload);
  void Begin(const Key& key, std::span<const uint8_t> payload);
  void Judged(const Key& key, uint64_t id, GateClient::Answer answer);
  void Open(const Key& key, Flow& flow, const Endpoint& to);
  void Forward(const Key& key, Flow& flow, std::span<const uint8_t> payload);
  void ReceiveFromFar(const Key& key, uint64_t id);
  void Reply(const Key& key, std::span<const uint8_t> payload);
  void Refuse(const Key& key, Unreachable why);
  void EvictOldest();
  static Clock::duration Lifetime(const Key& key, const Flow& flow);

  Surroundings around_;
  const Tap& tap_;
  uint64_t next_id_ = 1;
  std::map<Key, Flow> flows_;
  std::map<Port, PortSocket> ports_;
};

}  // namespace namegate::enclave
