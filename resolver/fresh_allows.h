#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "common/endpoint.h"

namespace namegate::resolver {

// The row of an attempt that the preload gate was allowed inside an enclave, whether it is
// committed yet or not.
class FreshAllow {
 public:
  // Whether the row is in the ledger, and its id.
  using Then = std::function<void(bool committed, int64_t id)>;

  // Runs `then`, now or when it is known. Once.
  void WhenSettled(Then then);
  void Settle(bool committed, int64_t id);
  bool failed() const { return settled_ && !committed_; }

 private:
  bool settled_ = false;
  bool committed_ = false;
  int64_t id_ = 0;
  Then then_;
};

// What the preload gate of a session was just allowed inside an enclave. The packet that follows is
// the same attempt and no second one: the relay's question about it takes the row that is there.
class FreshAllows {
 public:
  using Clock = std::chrono::steady_clock;

  // A program connects as soon as it may; one that was interrupted makes a new attempt.
  static constexpr std::chrono::seconds kFresh{5};
  // Of a program that asks and never connects, the oldest are forgotten.
  static constexpr size_t kMax = 4'096;

  void Add(uint8_t protocol, const Endpoint& to, int64_t pid, std::shared_ptr<FreshAllow> allow,
           Clock::time_point now);
  // What was allowed, which is then forgotten: that of this process if there is one (0: not known),
  // else the oldest. Null if there is none, or its row could not be written.
  std::shared_ptr<FreshAllow> Take(uint8_t protocol, const Endpoint& to, int64_t pid,
                                   Clock::time_point now);
  void Clear() { entries_.clear(); }

 private:
  struct Entry {
    uint8_t protocol;
    Endpoint to;
    int64_t pid;
    std::shared_ptr<FreshAllow> allow;
    Clock::time_point until;
  };
  std::deque<Entry> entries_;
};

}  // namespace namegate::resolver
