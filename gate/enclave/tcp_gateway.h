#pragma once

#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

#include "gate/enclave/connection.h"
#include "gate/enclave/gate_client.h"
#include "gate/enclave/gateway_sockets.h"
#include "gate/enclave/namespace_thread.h"
#include "gate/enclave/packet.h"
#include "gate/enclave/socket_owners.h"
#include "gate/enclave/syn_history.h"

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
// The same for the record.
Ending EndingFor(const Refusal& refusal);

// TCP: holds the client's handshake until the real server has answered.
class TcpGateway {
 public:
  // In the making at a time. Beyond them the dials that are unanswered longest give way, which
  // nobody may be waiting for any more; if there are none, a SYN is dropped, and comes again.
  static constexpr size_t kMaxAttempts = 4'096;
  // To be found they are all looked at, which is not done for each SYN of a flood.
  static constexpr size_t kEvictedAtOnce = 256;
  // Relayed at a time.
  static constexpr size_t kMaxConnections = 8'192;
  // The one that was of no use longest makes room for a new one.
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
  // Breaks one that is not permitted any more.
  void Break(int64_t connection);
  // The command has ended: ends what can be ended without loss. True if nothing is left.
  bool Settle();
  // Octets that have gone to the far ends of what is open.
  uint64_t sent() const;

 private:
  using Key = std::pair<Endpoint, Endpoint>;  // source, destination
  enum class State : uint8_t { kAsking, kDialling, kInjected, kSilenced };
  struct Attempt {
    Syn syn;
    Packet packet;
    State state = State::kAsking;
    Permit permit;
    UniqueFd far;
    Watch watch;
    Clock::time_point deadline;
  };
  struct Listener {
    UniqueFd socket;
    Watch watch;  // none while nothing can be accepted; until the next tick
    Clock::time_point used;
  };
  using Port = std::pair<bool, uint16_t>;  // IPv4?, number

  void Begin(const Syn& syn, std::span<const uint8_t> packet);
  bool MakeRoom();
  bool Ask(const std::shared_ptr<Attempt>& attempt);
  void Judged(const std::shared_ptr<Attempt>& attempt, Permit permit);
  void AskForWaiting();
  void Dial(const std::shared_ptr<Attempt>& attempt, const Endpoint& to);
  void Dialled(const std::shared_ptr<Attempt>& attempt, int error);
  void Inject(Attempt& attempt);
  void Refuse(const std::shared_ptr<Attempt>& attempt, Refusal refusal);
  bool IsCurrent(const std::shared_ptr<Attempt>& attempt) const;
  bool EnsureListener(Port port);
  void WatchListener(Port port, Listener& listener);
  void CloseIdlestListener();
  void Accept(Port port);
  void Pair(UniqueFd near);
  void Relay(const Syn& syn, UniqueFd near, UniqueFd far, Permit permit);
  std::optional<bool> IsHeld(const Key& key) const;

  Surroundings around_;
  PipePool pipes_;
  std::map<Key, std::shared_ptr<Attempt>> attempts_;
  bool room_is_sought_in_vain_ = false;  // since the last tick
  // Those for which there was no room for a question yet, in the order in which they came.
  std::deque<std::weak_ptr<Attempt>> waiting_;
  std::map<Port, Listener> listeners_;
  uint64_t next_id_ = 1;
  struct Relayed {
    Key key;
    std::shared_ptr<Connection> connection;
    int64_t permitted = 0;  // its number in the ledger; 0: to the name server
  };
  std::unordered_map<uint64_t, Relayed> connections_;
  SynHistory syns_;
};

}  // namespace namegate::enclave
