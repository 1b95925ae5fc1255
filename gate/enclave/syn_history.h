#pragma once

#include <map>
#include <optional>
#include <utility>

#include "gate/enclave/event_loop.h"
#include "gate/enclave/packet.h"

namespace namegate::enclave {

// Knows the copies that a kernel sends of a SYN which it has no answer to (RFC 9293 §3.8.1). They
// may still be in the tap's queue when the first has been refused, or its connection has come and
// gone; they may meet the answer on its way, and it may be lost. Taken for SYNs of their own they
// would be recorded, and dialled, once more.
class SynHistory {
 public:
  // Known at a time, unless more than that are open. A copy of any other counts as a SYN of its
  // own.
  static constexpr size_t kMaxKnown = 16'384;
  // After that it does too. Copies come after a second, and each second for a while (tcp(7)).
  static constexpr std::chrono::seconds kKept{10};

  // The connection is open: the kernel answers the copies.
  void Opened(const Syn& syn);
  // The connection that it opened has ended.
  void Ended(const Syn& syn, Clock::time_point now);
  void Refused(const Syn& syn, Packet answer, Clock::time_point now);
  // Null if it is no copy; otherwise what to answer, which is empty if that is nothing.
  const Packet* AnswerToCopy(const Syn& syn) const;
  // Forgets what is past for longer than kKept.
  void Tick(Clock::time_point now);

 private:
  using Key = std::pair<Endpoint, Endpoint>;  // source, destination
  struct Entry {
    uint32_t sequence = 0;
    std::optional<Clock::time_point> past;  // none while it is open
    Packet answer;
  };

  void Past(const Syn& syn, Packet answer, Clock::time_point now);

  std::map<Key, Entry> syns_;  // the latest of each
};

}  // namespace namegate::enclave
