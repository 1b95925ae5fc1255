#include "resolver/insistent_recorder.h"

#include <utility>

namespace namegate::resolver {

InsistentRecorder::InsistentRecorder(uv_loop_t* loop, LedgerWriter& ledger) : ledger_(ledger) {
  const auto make = [loop](uv_timer_t* timer) { return uv_timer_init(loop, timer); };
  soon_timer_.Make(this, make);
  retry_timer_.Make(this, make);
}

InsistentRecorder::~InsistentRecorder() {
  for (LedgerRow& row : soon_) ledger_.Submit(std::move(row), [](bool) {});
}

void InsistentRecorder::RecordSoon(LedgerRow row) {
  soon_.push_back(std::move(row));
  if (soon_.size() >= kMaxSoon) return Flush();
  if (soon_.size() > 1) return;
  uv_timer_start(
      soon_timer_.get(),
      [](uv_timer_t* timer) { static_cast<InsistentRecorder*>(timer->data)->Flush(); }, kSoon_ms,
      0);
}

void InsistentRecorder::Record(LedgerRow row, LedgerWriter::Completion recorded) {
  Flush();
  Submit(std::move(row), std::move(recorded));
}

void InsistentRecorder::Flush() {
  uv_timer_stop(soon_timer_.get());
  for (LedgerRow& row : std::exchange(soon_, {})) Submit(std::move(row), [](bool) {});
}

void InsistentRecorder::Submit(LedgerRow row, LedgerWriter::Completion recorded) {
  LedgerRow submitted = row;
  ledger_.Submit(std::move(submitted), [this, row = std::move(row),
                                        recorded = std::move(recorded)](bool committed) {
    if (!committed) {
      unrecorded_.push_back(row);
      uv_timer_start(
          retry_timer_.get(),
          [](uv_timer_t* timer) { static_cast<InsistentRecorder*>(timer->data)->RecordAgain(); },
          kRetry_ms, 0);
    }
    recorded(committed);
  });
}

void InsistentRecorder::RecordAgain() {
  for (LedgerRow& row : std::exchange(unrecorded_, {})) Submit(std::move(row), [](bool) {});
}

}  // namespace namegate::resolver
