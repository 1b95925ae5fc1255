#include "resolver/attempt_recorder.h"

#include <utility>

#include "common/wall_clock.h"

namespace namegate::resolver {

AttemptRecorder::AttemptRecorder(uv_loop_t* loop, std::shared_ptr<Session> session,
                                 LedgerWriter& ledger, std::string gate)
    : session_(std::move(session)), ledger_(ledger), gate_(std::move(gate)) {
  timer_.Make(this, [loop](uv_timer_t* timer) { return uv_timer_init(loop, timer); });
}

void AttemptRecorder::Record(int64_t pid, const GateVerdict& verdict, Done done) {
  ++session_->counters.connections;
  if (verdict.verdict == Verdict::kDeny) ++session_->counters.denials;
  const bool in_time = rate_.Take(kRowsPerSecond, Rate::Clock::now());
  if (!in_time && verdict.verdict == Verdict::kDeny) {
    const Kind kind{verdict.reason, verdict.protocol};
    if (const auto found = shared_.find(kind); found != shared_.end()) {
      ++found->second.row.count;
      found->second.done.push_back(std::move(done));
      return;
    }
    return Share(kind, RowFor(pid, verdict), std::move(done));
  }
  ConnectionRow row = RowFor(pid, verdict);
  const int64_t id = row.id = ledger_.NextConnectionId();
  ledger_.Submit(std::move(row),
                 [id, done = std::move(done)](bool committed) { done(committed, id); });
}

ConnectionRow AttemptRecorder::RowFor(int64_t pid, const GateVerdict& verdict) {
  ConnectionRow row;
  row.time_us = NowMicroseconds();
  row.session = session_->id;
  row.gate = gate_;
  row.pid = pid;
  row.process = programs_.NameOf(static_cast<pid_t>(pid));
  row.protocol = verdict.protocol;
  row.destination = verdict.destination;
  row.verdict = verdict.verdict;
  row.reason = verdict.reason;
  row.rule = verdict.rule;
  row.name = verdict.name;
  row.query_id = verdict.query_id;
  return row;
}

void AttemptRecorder::Share(Kind kind, ConnectionRow row, Done done) {
  Shared& shared = shared_[kind];
  shared.row = std::move(row);
  shared.done.push_back(std::move(done));
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(timer_.get())) != 0) return;
  uv_timer_start(
      timer_.get(), [](uv_timer_t* timer) { static_cast<AttemptRecorder*>(timer->data)->Flush(); },
      kWindow_ms, 0);
}

void AttemptRecorder::Flush() {
  for (auto& [kind, shared] : std::exchange(shared_, {})) {
    // Ids are given in the order in which rows are handed over.
    const int64_t id = shared.row.id = ledger_.NextConnectionId();
    ledger_.Submit(std::move(shared.row), [id, all = std::move(shared.done)](bool committed) {
      for (const Done& done : all) done(committed, id);
    });
  }
}

}  // namespace namegate::resolver
