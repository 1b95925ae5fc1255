#include "resolver/ledger_checkpointer.h"

#include <string>
#include <utility>

#include "common/quiet_thread.h"
#include "resolver/ledger_file.h"
#include "resolver/log.h"

namespace namegate::resolver {
namespace {

constexpr int64_t kFrameBytes = 4096 + 24;  // a page in the log, with its header

// A checkpoint that leaves something in the log leaves to the kernel what it wrote, and the one
// that ends it, the writer's, would wait for all of that to reach the disk. So would its next
// write, if the log had gathered more than the kernel lets be unwritten.
void Sync(Database& database) {
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(database.handle(), "main", which, &file);
    if (file == nullptr || file->pMethods == nullptr) continue;
    // If it fails, so does the writer's, and that is heard.
    static_cast<void>(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY));
  }
}

}  // namespace

// Trouble loses nothing: what was committed is in the log. If it lasts, the disk fills and the
// writer says so.
bool CheckpointLedger(Database& database, Checkpointed* result) {
  Checkpointed ignored;
  if (result == nullptr) result = &ignored;
  const int code = sqlite3_wal_checkpoint_v2(database.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &result->log_pages, &result->moved_pages);
  if ((code & 0xff) == SQLITE_BUSY) return false;
  if (code != SQLITE_OK) {
    LogDebug(SqliteError(database.handle(), "checkpoint the ledger").message);
  }
  return true;
}

Result<std::unique_ptr<LedgerCheckpointer>> LedgerCheckpointer::Start(const std::string& path,
                                                                      Durability durability) {
  auto database = OpenLedgerForCheckpoints(path, durability);
  if (!database) return database.error();
  return std::unique_ptr<LedgerCheckpointer>(new LedgerCheckpointer(std::move(*database)));
}

LedgerCheckpointer::LedgerCheckpointer(Database database)
    : database_(std::move(database)), thread_(QuietThread([this] { Run(); })) {}

LedgerCheckpointer::~LedgerCheckpointer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LedgerCheckpointer::AfterCommit(Database& writer, int log_pages) {
  switch (length_.AfterCommit(log_pages)) {
    case LedgerLogLength::Task::kNone:
      break;
    case LedgerLogLength::Task::kWriter:
      length_.WriterMoved(CheckpointLedger(writer));
      break;
    case LedgerLogLength::Task::kThread: {
      const std::lock_guard lock(mutex_);
      requested_ = true;
      changed_.notify_one();
    }
  }
  if (const auto pages = length_.NewLimit()) {
    // If it fails, the file stays longer or is cut at once: no harm.
    static_cast<void>(
        writer.Execute("PRAGMA journal_size_limit = " + std::to_string(*pages * kFrameBytes)));
  }
}

void LedgerCheckpointer::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return requested_ || stopping_; });
    if (stopping_) return;
    requested_ = false;
    lock.unlock();
    Checkpointed checkpointed;
    if (CheckpointLedger(database_, &checkpointed)) {
      if (checkpointed.log_pages >= LedgerLogLength::kWriterPages) Sync(database_);
      length_.ThreadMoved(checkpointed.moved_pages);
    }
    lock.lock();
  }
}

}  // namespace namegate::resolver
