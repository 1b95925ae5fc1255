#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_log_length.h"
#include "resolver/ledger_writer.h"

namespace namegate::resolver {

// The length of the write-ahead log, and how much of it is in the ledger.
struct Checkpointed {
  int log_pages = 0;
  int moved_pages = 0;
};

// Moves what is in the write-ahead log into the ledger, as far as no reader is in the way. False if
// another checkpoint is running.
bool CheckpointLedger(Database& database, Checkpointed* result = nullptr);

// Moves committed pages from the write-ahead log into the ledger, on a thread and a connection of
// its own, so that the writer does not wait for it.
//
// Theory of operation. A PASSIVE checkpoint (https://sqlite.org/c3ref/wal_checkpoint_v2.html) runs
// beside readers and the writer, but the log starts again from its beginning only if a transaction
// begins while all of it has been moved. Under steady load the writer has always added something
// meanwhile. So when the log is long all the same, the writer makes one itself between two groups,
// as soon as the thread has left little for it to do. A reader that stays in one transaction keeps
// the log growing, and nothing else; when the reader is through, the thread moves what has
// gathered, and each time that the log begins anew a part of the file is given back.
class LedgerCheckpointer {
 public:
  static Result<std::unique_ptr<LedgerCheckpointer>> Start(const std::string& path,
                                                           Durability durability);
  LedgerCheckpointer(const LedgerCheckpointer&) = delete;
  LedgerCheckpointer& operator=(const LedgerCheckpointer&) = delete;
  ~LedgerCheckpointer();

  // For the writer's thread, between two groups: `log_pages` is the length of the log after the
  // last commit on `writer`.
  void AfterCommit(Database& writer, int log_pages);

 private:
  explicit LedgerCheckpointer(Database database);
  void Run();

  Database database_;
  LedgerLogLength length_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool requested_ = false;  // guarded by mutex_
  bool stopping_ = false;   // guarded by mutex_
  std::thread thread_;      // last: it uses the others
};

}  // namespace namegate::resolver
