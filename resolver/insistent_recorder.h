#pragma once

#include <uv.h>

#include <functional>
#include <vector>

#include "resolver/ledger_writer.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// Records what has happened already, such as an ending, and cannot be refused any more: a row that
// the ledger does not take is given to it again until it does. No more can wait than there were
// sessions and connections when writing failed, since none begins while it does.
class InsistentRecorder {
 public:
  // The loop and the ledger must outlive the object.
  InsistentRecorder(uv_loop_t* loop, LedgerWriter& ledger);
  InsistentRecorder(const InsistentRecorder&) = delete;
  InsistentRecorder& operator=(const InsistentRecorder&) = delete;

  // Hands over what still waits; nobody hears what becomes of that.
  ~InsistentRecorder();

  LedgerWriter& ledger() const { return ledger_; }

  // For what nobody waits for: in a moment, so that it is committed with other rows instead of
  // keeping those that are waited for from the disk.
  void RecordSoon(LedgerRow row);
  // Behind what is to be recorded soon. `recorded` is told what became of the first try.
  void Record(
      LedgerRow row, LedgerWriter::Completion recorded = [](bool) {});

 private:
  static constexpr uint64_t kRetry_ms = 1'000;
  static constexpr uint64_t kSoon_ms = 10;
  static constexpr size_t kMaxSoon = 256;

  void Flush();
  void Submit(LedgerRow row, LedgerWriter::Completion recorded);
  void RecordAgain();

  LedgerWriter& ledger_;
  std::vector<LedgerRow> soon_;
  UvHandle<uv_timer_t> soon_timer_;
  std::vector<LedgerRow> unrecorded_;
  UvHandle<uv_timer_t> retry_timer_;
};

}  // namespace namegate::resolver
