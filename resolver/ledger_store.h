#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/ledger_seal.h"
#include "common/result.h"
#include "common/retention.h"
#include "common/sqlite.h"
#include "resolver/ledger_checkpointer.h"
#include "resolver/ledger_group.h"
#include "resolver/ledger_retention.h"
#include "resolver/ledger_rows.h"
#include "resolver/ledger_writer.h"

namespace namegate::resolver {

// Where a ledger is, and how it is written.
struct LedgerOptions {
  std::string path;
  Durability durability = Durability::kProcess;
  std::optional<SealKey> key;
  Retention retention;
};

// One ledger file that is open for writing, and what writes to it. Of one thread at a time.
class LedgerStore {
 public:
  // Opens or creates and migrates it.
  static Result<std::unique_ptr<LedgerStore>> Open(const LedgerOptions& options);
  // Sets a damaged ledger aside and begins one in its place, in which both facts are recorded, and
  // after them `rows`. `what` says how the damage showed. Nothing of the damaged file may be open.
  // Goes on with what was broken off, by an error or a kill.
  static Result<std::unique_ptr<LedgerStore>> BeginAnew(const LedgerOptions& options,
                                                        const std::string& what,
                                                        std::span<const LedgerRow> rows);
  LedgerStore(const LedgerStore&) = delete;
  LedgerStore& operator=(const LedgerStore&) = delete;
  ~LedgerStore();

  Database& database() { return database_; }
  LedgerGroupWriter& groups() { return *groups_; }
  // What this ledger says of the damaged one in whose place it was begun; empty if there was none.
  const std::string& set_aside() const { return set_aside_; }
  // Leaves the file and its log as they are when the object goes: they are evidence.
  void Abandon();
  // For the time between two groups: keeps the write-ahead log short, and removes what is old. An
  // error if that shows that the ledger is damaged.
  Result<void> Tidy();
  // When Tidy() has something to do although no group came; nothing if never.
  std::optional<std::chrono::steady_clock::time_point> next_due() const;

 private:
  LedgerStore() = default;
  Result<void> ReadNotice();
  Result<void> SaySetAside(const std::string& text, int64_t now_us,
                           std::span<const LedgerRow> rows);
  // sqlite3_wal_hook: runs within each COMMIT.
  static int NoteLogLength(void* log_pages, sqlite3*, const char*, int pages);

  Database database_;
  std::unique_ptr<LedgerGroupWriter> groups_;
  std::unique_ptr<LedgerCheckpointer> checkpointer_;
  std::unique_ptr<LedgerRetention> retention_;  // null: everything is kept
  std::string set_aside_;
  int log_pages_ = 0;
  bool abandoned_ = false;
};

}  // namespace namegate::resolver
