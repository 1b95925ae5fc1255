#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "common/endpoint.h"

namespace namegate::resolver {

// What the preload gate of a session was just allowed inside an enclave. The packet that follows is
// the same attempt and no second one: the relay's question about it takes the row that is there.
class FreshAllows {
 public:
  using Clock = std::chrono::steady_clock;

  // A program connects as soon as it may; one that was interrupted makes a new attempt.
  static constexpr std::chrono::seconds kFresh{5};
  // Of a program that asks and never connects, the oldest are forgotten.
  static constexpr size_t kMax = 4'096;

  void Add(uint8_t protocol, const Endpoint& to, int64_t pid, int64_t connection,
           Clock::time_point now);
  // The connection that was allowed, which is then forgotten: that of this process if there is one
  // (0: not known), else the oldest.
  std::optional<int64_t> Take(uint8_t protocol, const Endpoint& to, int64_t pid,
                              Clock::time_point now);
  void Clear() { allows_.clear(); }

 private:
  struct Allow {
    uint8_t protocol;
    Endpoint to;
    int64_t pid;
    int64_t connection;
    Clock::time_point until;
  };
  std::deque<Allow> allows_;
};

}  // namespace namegate::resolver
