#pragma once

#include <map>
#include <utility>

#include "gate/enclave/gateway_sockets.h"
#include "gate/enclave/packet.h"

namespace namegate::enclave {

// Knows the copies that a kernel sends of a SYN which is not answered soon (RFC 9293 §3.8.1). They
// may still be in the tap's queue when the first has been refused, or its connection has come and
// gone; taken for SYNs of their own they would be recorded, and dialled, once more.
class SynHistory {
 public:
  // Known at a time, unless more than that are open. A copy of any other counts as a SYN of its
  // own.
  static constexpr size_t kMaxKnown = 16'384;
  // Nothing waits in the tap for longer.
  static constexpr std::chrono::seconds kKept{10};

  // The connection is open: the kernel answers the copies too.
  void Opened(const Syn& syn);
  // Refused, or the connection that it opened has ended. What comes in after `now` is no copy.
  void Past(const Syn& syn, Arrival now);
  bool IsCopy(const Syn& syn, Arrival arrival) const;
  // Forgets what is past for longer than kKept.
  void Tick(Arrival now);

 private:
  using Key = std::pair<Endpoint, Endpoint>;  // source, destination
  static constexpr Arrival kOpen = Arrival::max();
  struct Entry {
    uint32_t sequence = 0;
    Arrival until{};
  };

  std::map<Key, Entry> syns_;  // the latest of each
};

}  // namespace namegate::enclave
