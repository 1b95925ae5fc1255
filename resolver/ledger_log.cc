#include "resolver/ledger_log.h"

#include <algorithm>

#include "resolver/log.h"

namespace namegate::resolver {
namespace {

constexpr std::chrono::minutes kTroubleInterval{1};
constexpr std::chrono::hours kHeadInterval{24};

}  // namespace

void LedgerLog::Trouble(const LedgerGroupWriter::Outcome& outcome) {
  auto& logged = outcome.ledger_failed ? failure_logged_ : refusal_logged_;
  const auto now = Clock::now();
  if (logged && now - *logged < kTroubleInterval) return;
  logged = now;
  if (outcome.ledger_failed) {
    LogError("the ledger cannot be written, so nothing is answered or let through: " +
             outcome.trouble);
  } else {
    LogError("the ledger refused a row, which was not answered or let through: " + outcome.trouble);
  }
}

void LedgerLog::Committed(std::span<const LedgerRow> group, const std::string& head) {
  const auto now = Clock::now();
  const bool closed = std::any_of(group.begin(), group.end(), [](const LedgerRow& row) {
    return std::holds_alternative<SessionClosedRow>(row);
  });
  if (!closed && now - head_logged_ < kHeadInterval) return;
  head_logged_ = now;
  LogInfo("the ledger's last seal is " + head);
}

}  // namespace namegate::resolver
