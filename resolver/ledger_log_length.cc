#include "resolver/ledger_log_length.h"

#include <algorithm>
#include <utility>

namespace namegate::resolver {
namespace {

constexpr int kBackgroundPages = 1000;  // 4 MiB of log: what SQLite itself does by default
constexpr int kRetryPages = 256;
// What the writer moves itself costs answers their time: some milliseconds, if it is little. Where
// the thread comes near but never so near, more is left to the writer the longer the log has grown
// since, or it would never begin anew.
constexpr int kLeftPages = 512;
constexpr int kLeftPart = 32;

}  // namespace

LedgerLogLength::Task LedgerLogLength::AfterCommit(int log_pages) {
  if (log_pages < std::exchange(log_pages_, log_pages)) {  // it has begun anew
    next_in_background_ = kBackgroundPages;
    next_by_writer_ = kWriterPages;
    moved_pages_ = 0;
    near_pages_ = log_pages;
    file_pages_ = std::min(file_pages_, limit_);
  }
  file_pages_ = std::max(file_pages_, log_pages);
  const int left = log_pages - std::clamp(moved_pages_.load(), 0, log_pages);
  if (left > std::max(kLeftPages, log_pages / kLeftPart)) near_pages_ = log_pages;
  const int grown = log_pages - near_pages_;
  if (log_pages >= next_by_writer_ && left <= std::max(kLeftPages, grown / kLeftPart)) {
    return Task::kWriter;
  }
  if (log_pages < next_in_background_) return Task::kNone;
  next_in_background_ = log_pages + (log_pages >= next_by_writer_ ? kRetryPages : kBackgroundPages);
  return Task::kThread;
}

void LedgerLogLength::WriterMoved(bool done) {
  // While the thread is at it the writer cannot be: soon again then, and meanwhile the thread gets
  // nothing new to do.
  next_by_writer_ = log_pages_ + (done ? kWriterPages : kRetryPages);
  next_in_background_ = (done ? log_pages_ : next_by_writer_) + kBackgroundPages;
}

// In steps, so that it is not set after each commit while the log grows.
std::optional<int> LedgerLogLength::NewLimit() {
  const int wanted = std::max(kKeptPages, file_pages_ - kCutPages);
  if (wanted == limit_ || (wanted > limit_ && wanted < limit_ + kCutPages)) return std::nullopt;
  limit_ = wanted;
  return limit_;
}

}  // namespace namegate::resolver
