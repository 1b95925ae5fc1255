#include "resolver/insistent_recorder.h"

#include <utility>

namespace namegate::resolver {

InsistentRecorder::InsistentRecorder(uv_loop_t* loop, LedgerWriter& ledger) : ledger_(ledger) {
  timer_.Make(this, [loop](uv_timer_t* timer) { return uv_timer_init(loop, timer); });
}

void InsistentRecorder::Record(LedgerRow row, LedgerWriter::Completion recorded) {
  LedgerRow submitted = row;
  ledger_.Submit(std::move(submitted), [this, row = std::move(row),
                                        recorded = std::move(recorded)](bool committed) {
    if (!committed) {
      unrecorded_.push_back(row);
      uv_timer_start(
          timer_.get(),
          [](uv_timer_t* timer) { static_cast<InsistentRecorder*>(timer->data)->RecordAgain(); },
          kRetry_ms, 0);
    }
    recorded(committed);
  });
}

void InsistentRecorder::RecordAgain() {
  for (LedgerRow& row : std::exchange(unrecorded_, {})) Record(std::move(row));
}

}  // namespace namegate::resolver
