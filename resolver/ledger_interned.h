#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "common/domain_name.h"
#include "common/ip_address.h"
#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_used_ids.h"

namespace namegate::resolver {

// A statement beside its SQL, prepared by PrepareAll().
struct Prepared {
  std::string sql;
  Statement statement;
};

Result<void> PrepareAll(Database& database, std::initializer_list<Prepared*> statements);

// Runs an INSERT whose parameters are bound; gives the id of its row.
Result<int64_t> Insert(Statement& insert);
// Steps a SELECT of one id whose parameters are bound; 0 if there is no row.
Result<int64_t> FindId(Statement& select);

// The ids of values that are in the ledger, bounded: forgetting costs a look-up later, never more.
template <typename Key>
class IdCache {
 public:
  // 0 if it is not known.
  int64_t Find(const Key& key) const {
    const auto found = ids_.find(key);
    return found == ids_.end() ? 0 : found->second;
  }
  void Put(const Key& key, int64_t id) {
    if (ids_.size() >= kMaxIds) ids_.clear();
    ids_.emplace(key, id);
  }
  // After a rollback: rows that were inserted in the transaction are not there.
  void Clear() { ids_.clear(); }

 private:
  // Some 4 MiB of names; more than a machine's worth of programs asks for in a day.
  static constexpr size_t kMaxIds = 32'768;
  std::unordered_map<Key, int64_t> ids_;
};

// The text under which a value is kept.
inline std::string LedgerText(const DomainName& name) { return name.ToText(); }
inline std::string LedgerText(const IpAddress& address) { return address.ToText(); }
inline std::string LedgerText(const std::string& text) { return text; }

// A table of texts that are stored once each: (id, text). Key is what callers have in hand.
template <typename Key>
class InternedTable {
 public:
  explicit InternedTable(const std::string& table)
      : place_(SealedTablePlace(table)),
        select_{"SELECT " + table + "_id FROM " + table + " WHERE text = ?", {}},
        insert_{"INSERT INTO " + table + " (text) VALUES (?)", {}} {}

  Result<void> Prepare(Database& database) { return PrepareAll(database, {&select_, &insert_}); }

  Result<int64_t> IdOf(const Key& key) {
    if (const int64_t known = cache_.Find(key); known != 0) return known;
    auto id = FindOrInsert(LedgerText(key));
    if (id) cache_.Put(key, *id);
    if (id && used_ != nullptr) used_->Add(place_, *id);
    return id;
  }

  void Forget() { cache_.Clear(); }
  // Notes in `used` from now on what is asked for, until it is null.
  void NoteUses(UsedIds* used) {
    used_ = used;
    Forget();
  }

 private:
  Result<int64_t> FindOrInsert(const std::string& text) {
    select_.statement.Bind(1, text);
    auto found = FindId(select_.statement);
    if (!found || *found != 0) return found;
    insert_.statement.Bind(1, text);
    return Insert(insert_.statement);
  }

  const size_t place_;
  Prepared select_;
  Prepared insert_;
  IdCache<Key> cache_;
  UsedIds* used_ = nullptr;
};

}  // namespace namegate::resolver
