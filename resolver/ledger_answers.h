#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_interned.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// The answers in the ledger, each stored once with all its records.
class LedgerAnswers {
 public:
  // `names` is the table of names; it must outlive this object.
  explicit LedgerAnswers(InternedTable<DomainName>& names) : names_(names) {}

  Result<void> Prepare(Database& database);
  // The answer's id; stores it if it is new.
  Result<int64_t> IdOf(const std::shared_ptr<const AnswerSet>& answer);
  void Forget() { recent_.clear(); }
  // Notes in `used` from now on which answers and records are asked for, until it is null.
  void NoteUses(UsedIds* used) {
    used_ = used;
    Forget();
  }

 private:
  // Answers from the cache come as the same object again and again, so most need no hashing. A
  // weak pointer that has not expired proves that the address still belongs to that very object.
  struct Recent {
    std::weak_ptr<const AnswerSet> answer;
    int64_t id = 0;
  };
  static constexpr size_t kMaxRecent = 32'768;

  Result<int64_t> FindOrInsert(const AnswerSet& answer);
  Result<void> InsertRecords(int64_t answer_id, const AnswerSet& answer);
  Result<int64_t> RecordId(const Record& record);
  Result<int64_t> FindOrInsertRecord(const Record& record);

  InternedTable<DomainName>& names_;
  std::unordered_map<const AnswerSet*, Recent> recent_;
  UsedIds* used_ = nullptr;
  Prepared select_answer_{"SELECT answer_id FROM answer_set WHERE digest = ?", {}};
  Prepared insert_answer_{"INSERT INTO answer_set (digest) VALUES (?)", {}};
  Prepared insert_answer_record_{
      "INSERT INTO answer_record (answer_id, position, record_id, ttl) VALUES (?, ?, ?, ?)", {}};
  Prepared select_record_{
      "SELECT record_id FROM record WHERE owner_id = ? AND type = ? AND data = ?", {}};
  Prepared insert_record_{"INSERT INTO record (owner_id, type, data) VALUES (?, ?, ?)", {}};
};

}  // namespace namegate::resolver
