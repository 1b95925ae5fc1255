#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/ledger_seal.h"
#include "common/result.h"
#include "common/retention.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

enum class Durability {
  kProcess,  // synchronous=NORMAL: survives kill -9 of the daemon
  kPower,    // synchronous=FULL: survives a power cut
};

// Writes the ledger on a thread of its own, a group of rows per transaction: whatever has gathered
// while the last group was committed (design: "record before effect").
//
// Submit(), RunCompletions() and the Next…Id() are for one thread, the event loop's. Completions
// run there and nowhere else, in the order of their rows, once the group of the row is committed,
// or has failed. After a failure the next group is tried again from scratch, so writing recovers
// by itself when the disk has room again. A row that the ledger refuses for its own sake (an id
// that is there already) fails alone.
class LedgerWriter {
 public:
  // Rows that may wait for the writer. A second's worth at full speed: whoever asks faster than the
  // disk takes it is told no at once, instead of filling the memory.
  static constexpr size_t kMaxWaitingRows = 100'000;

  // `committed` is false if the row is not in the ledger; then nothing may be answered or let
  // through.
  using Completion = std::function<void(bool committed)>;

  // Opens or creates the ledger and migrates it to the current schema. `wake` is called
  // once per group, on the writer's thread, when there are completions to run; it must stay
  // callable until the writer is gone. A file that is no ledger, or a newer one, is left alone and
  // refused. A damaged ledger, now or later, is set aside and a new one begun, which says so
  // (schema/README.md). With a key, seals can be made by its holders alone. What `retention` does
  // not want is removed, at the start and while rows come.
  static Result<std::unique_ptr<LedgerWriter>> Open(const std::string& path, Durability durability,
                                                    std::function<void()> wake,
                                                    std::optional<SealKey> key = std::nullopt,
                                                    const Retention& retention = {});
  // Commits what was submitted, then ends the thread. Completions not yet run are dropped.
  virtual ~LedgerWriter() = default;

  // Ids grow by one from the highest that the ledger holds.
  virtual int64_t NextQueryId() = 0;
  virtual int64_t NextConnectionId() = 0;
  virtual int64_t NextSessionId() = 0;

  // If kMaxWaitingRows are waiting already, the row is refused: `wake` is called at once, here, and
  // the next RunCompletions() runs `done(false)`, ahead of the completions of earlier rows.
  virtual void Submit(LedgerRow row, Completion done) = 0;
  // Runs the completions of the groups that are through. Never blocks on the disk.
  virtual void RunCompletions() = 0;
  // Rows submitted whose completions have not run yet.
  virtual size_t pending() const = 0;
  // For whoever reads the ledger and finds it damaged, as `damage` says: it is set aside before any
  // further row is written.
  virtual void SetAside(const std::string& damage) = 0;
  // Why the last group failed; empty while writing works.
  virtual std::string trouble() const = 0;
  // That this ledger was begun in place of a damaged one, and where that is; empty if it was not.
  virtual std::string set_aside() const = 0;
};

}  // namespace namegate::resolver
