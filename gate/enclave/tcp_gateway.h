#pragma once

#include <map>
#include <memory>
#include <unordered_set>

#include "gate/enclave/connection.h"
#include "gate/enclave/gate_client.h"
#include "gate/enclave/gateway_sockets.h"
#include "gate/enclave/namespace_thread.h"
#include "gate/enclave/packet.h"
#include "gate/enclave/socket_owners.h"

namespace namegate::enclave {

// What both gateways stand on; it outlives them.
struct Surroundings {
  EventLoop& loop;
  NamespaceThread& gateway;
  GateClient& gate;
  RawSender& to_sandbox;   // answers, as from the destination
  RawSender& to_listener;  // SYNs that may go on
  SocketOwners& owners;
  Endpoint nameserver;  // where everything to port 53 goes
};

// Why a destination cannot be reached, for the client's errno to be what the far end's refusal
// would have given; nothing for what the client's own timers find out.
struct Refusal {
  enum class Kind : uint8_t { kReset, kUnreachable, kSilence };
  Kind kind = Kind::kReset;
  Unreachable why = Unreachable::kPort;
};
Refusal RefusalFor(int error);

// TCP: holds the client's handshake until the real server has answered.
class TcpGateway {
 public:
  // In the making at a time; a SYN beyond them is dropped, and comes again.
  static constexpr size_t kMaxAttempts = 4'096;
  // Relayed at a time.
  static constexpr size_t kMaxConnections = 8'192;
  static constexpr size_t kMaxListeners = 1'024;
  // An injected SYN is accepted at once, unless the client has given up meanwhile.
  static constexpr std::chrono::seconds kAcceptPatience{10};
  // The kernel's own timers end a dial well before.
  static constexpr std::chrono::minutes kDialPatience{5};
  // A client that connects again soon finds the listener.
  static constexpr std::chrono::seconds kListenerIdle{30};

  explicit TcpGateway(const Surroundings& around) : around_(around) {}

  // What the tap saw.
  void OnPacket(std::span<const uint8_t> packet);
  void Tick();
  // Breaks all that is open or in the making.
  void EndAll();

 private:
  using Key = std::pair<Endpoint, Endpoint>;  // source, destination
  enum class State : uint8_t { kAsking, kDialling, kInjected, kSilenced };
  struct Attempt {
    Syn syn;
    Packet packet;
    State state = State::kAsking;
    UniqueFd far;
    Watch watch;
    Clock::time_point deadline;
  };
  struct Listener {
    UniqueFd socket;
    Watch watch;
    Clock::time_point used;
  };
  using Port = std::pair<bool, uint16_t>;  // IPv4?, number

  void Begin(const Syn& syn, std::span<const uint8_t> packet);
  bool Ask(const std::shared_ptr<Attempt>& attempt);
  void Dial(const std::shared_ptr<Attempt>& attempt, const Endpoint& to);
  void Dialled(const std::shared_ptr<Attempt>& attempt, int error);
  void Inject(Attempt& attempt);
  void Refuse(const std::shared_ptr<Attempt>& attempt, Refusal refusal);
  bool IsCurrent(const std::shared_ptr<Attempt>& attempt) const;
  bool EnsureListener(Port port);
  void Accept(Port port);
  void Pair(UniqueFd near);

  Surroundings around_;
  PipePool pipes_;
  std::map<Key, std::shared_ptr<Attempt>> attempts_;
  std::map<Port, Listener> listeners_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
};

}  // namespace namegate::enclave
