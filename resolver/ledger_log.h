#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "resolver/ledger_group.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// What the daemon's log says of the groups that are written. Of one thread.
class LedgerLog {
 public:
  using Clock = std::chrono::steady_clock;

  explicit LedgerLog(Clock::time_point begun = Clock::now()) : head_logged_(begun) {}
  // A group went wrong: one line a minute of each kind, however often that is.
  void Trouble(const LedgerGroupWriter::Outcome& outcome);
  // A group was committed, and `head` is the last seal now. The log is kept elsewhere than the
  // ledger, where whoever changes the one may not reach the other: the head goes there when a
  // session has ended, and once a day.
  void Committed(std::span<const LedgerRow> group, const std::string& head);

 private:
  Clock::time_point head_logged_;
  std::optional<Clock::time_point> failure_logged_;
  std::optional<Clock::time_point> refusal_logged_;
};

}  // namespace namegate::resolver
