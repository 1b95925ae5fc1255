#include "resolver/ledger_checkpointer.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "resolver/ledger_file.h"

namespace namegate::resolver {
namespace {

constexpr int kBackgroundPages = 1000;  // 4 MiB of log: what SQLite itself does by default
constexpr int kWriterPages = 4096;      // 16 MiB
constexpr int kRetryPages = 256;

// False if another checkpoint is running. Trouble loses nothing: what was committed is in the log.
// If it lasts, the disk fills and the writer says so.
bool Checkpoint(Database& database) {
  const int code = sqlite3_wal_checkpoint_v2(database.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, nullptr);
  if ((code & 0xff) == SQLITE_BUSY) return false;
  if (code != SQLITE_OK) {
    spdlog::debug("{}", SqliteError(database.handle(), "checkpoint the ledger").message);
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<LedgerCheckpointer>> LedgerCheckpointer::Start(const std::string& path,
                                                                      Durability durability) {
  auto database = OpenLedgerForCheckpoints(path, durability);
  if (!database) return database.error();
  return std::unique_ptr<LedgerCheckpointer>(new LedgerCheckpointer(std::move(*database)));
}

LedgerCheckpointer::LedgerCheckpointer(Database database)
    : database_(std::move(database)),
      next_in_background_(kBackgroundPages),
      next_by_writer_(kWriterPages),
      thread_([this] { Run(); }) {}

LedgerCheckpointer::~LedgerCheckpointer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LedgerCheckpointer::AfterCommit(Database& writer, int log_pages) {
  if (log_pages < std::exchange(log_pages_, log_pages)) {  // the log has begun anew
    next_in_background_ = kBackgroundPages;
    next_by_writer_ = kWriterPages;
  }
  if (log_pages >= next_by_writer_) {
    const bool done = Checkpoint(writer);
    // While the thread is at it the writer cannot be: soon again then, and meanwhile the thread
    // gets nothing new to do.
    next_by_writer_ = log_pages + (done ? kWriterPages : kRetryPages);
    next_in_background_ = (done ? log_pages : next_by_writer_) + kBackgroundPages;
  } else if (log_pages >= next_in_background_) {
    next_in_background_ = log_pages + kBackgroundPages;
    const std::lock_guard lock(mutex_);
    requested_ = true;
    changed_.notify_one();
  }
}

void LedgerCheckpointer::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return requested_ || stopping_; });
    if (stopping_) return;
    requested_ = false;
    lock.unlock();
    Checkpoint(database_);
    lock.lock();
  }
}

}  // namespace namegate::resolver
