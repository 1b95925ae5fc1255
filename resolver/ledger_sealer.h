#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger_seal.h"
#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_interned.h"
#include "resolver/ledger_seal_check.h"

namespace namegate::resolver {

// Seals each group of rows, inside the transaction that wrote it (schema/README.md, "Seals").
//
// Theory of operation. SQLite tells of every row that is inserted (sqlite3_update_hook), so that
// only tables with new rows are looked at. These are read back, by the very statements with which
// they will be verified, while their pages are in the cache. The end of the chain is kept in memory
// and moves on when the transaction is committed.
class LedgerSealer {
 public:
  // `database` must outlive the sealer. Rows that a ledger of the time before seals holds are
  // sealed with the first group. A ledger that was sealed with a key is gone on with under that key
  // alone: without it, or with another, it is an error.
  static Result<std::unique_ptr<LedgerSealer>> Create(Database& database,
                                                      std::optional<SealKey> key);
  LedgerSealer(const LedgerSealer&) = delete;
  LedgerSealer& operator=(const LedgerSealer&) = delete;
  ~LedgerSealer();

  // Adds the seal for what was inserted since the transaction began; nothing if that is nothing.
  Result<void> Seal(int64_t now_us);
  // After the transaction: whether it was committed decides where the chain goes on.
  void Committed();
  void RolledBack();

  const std::optional<SealKey>& key() const { return key_; }
  // Whether the seals that were there were made without the key that there is now.
  bool key_is_new() const { return key_is_new_; }
  // See resolver/ledger_seal_check.h.
  Result<bool> Holds(int64_t seal_id) const { return SealHolds(database_, seal_id, key_); }
  // The number and the digest of the last seal that was committed.
  std::string head() const { return std::to_string(last_.id) + ":" + SealText(last_.digest); }

 private:
  struct Link {
    int64_t id = 0;
    int64_t time_us = 0;
    SealDigest digest{};
    SealMarks marks = NoMarks();
  };

  explicit LedgerSealer(Database& database, std::optional<SealKey> key);
  Result<void> ReadLast();
  Result<void> CheckKey(bool last_is_keyed);
  Result<void> ReadMarks();
  Result<void> SealTable(size_t table, SealedGroup& group);
  Result<void> Insert(const SealedGroup& group);
  // sqlite3_update_hook
  static void OnChange(void* self, int operation, const char*, const char* table, sqlite3_int64 id);

  Database& database_;
  const std::optional<SealKey> key_;
  bool key_is_new_ = false;
  Link last_;
  Link next_;                       // what last_ becomes when the transaction is committed
  SealMarks unsealed_ = NoMarks();  // the highest ids from before the first seal
  SealMarks written_;               // the highest id inserted in this transaction, kNoMark for none
  std::vector<Prepared> selects_;
  Prepared insert_;
};

}  // namespace namegate::resolver
