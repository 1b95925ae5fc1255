#pragma once

#include <atomic>
#include <climits>
#include <optional>

namespace namegate::resolver {

// Decides who moves what is in the write-ahead log into the ledger, and how far its file is cut
// back when the log begins anew. Lengths are in pages. Knows no clock and no file. Of the writer's
// thread, but for ThreadMoved().
class LedgerLogLength {
 public:
  // From this length on the writer moves the last of it.
  static constexpr int kWriterPages = 4'096;  // 16 MiB
  // Beyond this the file is cut back.
  static constexpr int kKeptPages = 16'384;  // 64 MiB
  // SQLite does so within a COMMIT, which waits for it: so at a time it is no more than twice this.
  static constexpr int kCutPages = 2'048;  // 8 MiB

  enum class Task { kNone, kThread, kWriter };

  // Who is to move what, after a commit that made the log `log_pages` long.
  Task AfterCommit(int log_pages);
  // How much of the log the thread has seen moved.
  void ThreadMoved(int pages) { moved_pages_ = pages; }
  // What became of kWriter: false if the thread was at it.
  void WriterMoved(bool done);
  // How long the file may stay from now on, if that is another length than before.
  std::optional<int> NewLimit();

 private:
  // The last length that was seen (the first to be seen is of a log that begins anew), and those at
  // which to act next.
  int log_pages_ = INT_MAX;
  int next_in_background_ = 0;
  int next_by_writer_ = 0;
  std::atomic<int> moved_pages_ = 0;
  int near_pages_ = 0;  // up to which the thread was far behind
  int file_pages_ = kKeptPages;
  int limit_ = kKeptPages;
};

}  // namespace namegate::resolver
