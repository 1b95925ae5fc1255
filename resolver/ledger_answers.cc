#include "resolver/ledger_answers.h"

#include "resolver/ledger_digest.h"
#include "resolver/ledger_rdata.h"

namespace namegate::resolver {

Result<void> LedgerAnswers::Prepare(Database& database) {
  return PrepareAll(database, {&select_answer_, &insert_answer_, &insert_answer_record_,
                               &select_record_, &insert_record_});
}

Result<int64_t> LedgerAnswers::IdOf(const std::shared_ptr<const AnswerSet>& answer) {
  const auto found = recent_.find(answer.get());
  if (found != recent_.end() && !found->second.answer.expired()) return found->second.id;
  auto id = FindOrInsert(*answer);
  if (!id) return id;
  if (used_ != nullptr) used_->Add(SealedTablePlace("answer_set"), *id);
  if (recent_.size() >= kMaxRecent) recent_.clear();
  recent_.insert_or_assign(answer.get(), Recent{answer, *id});
  return id;
}

Result<int64_t> LedgerAnswers::FindOrInsert(const AnswerSet& answer) {
  const Digest digest = DigestOf(CanonicalBytes(answer));
  select_answer_.statement.BindBlob(1, digest);
  auto found = FindId(select_answer_.statement);
  if (!found || *found != 0) return found;
  insert_answer_.statement.BindBlob(1, digest);
  auto id = Insert(insert_answer_.statement);
  if (!id) return id;
  if (auto records = InsertRecords(*id, answer); !records) return records.error();
  return id;
}

Result<void> LedgerAnswers::InsertRecords(int64_t answer_id, const AnswerSet& answer) {
  Statement& insert = insert_answer_record_.statement;
  int64_t position = 0;
  for (const Record& record : answer) {
    auto record_id = RecordId(record);
    if (!record_id) return record_id.error();
    insert.Bind(1, answer_id);
    insert.Bind(2, ++position);
    insert.Bind(3, *record_id);
    insert.Bind(4, int64_t{record.ttl_s});
    if (auto run = insert.Run(); !run) return run;
  }
  return {};
}

Result<int64_t> LedgerAnswers::RecordId(const Record& record) {
  auto id = FindOrInsertRecord(record);
  if (id && used_ != nullptr) used_->Add(SealedTablePlace("record"), *id);
  return id;
}

Result<int64_t> LedgerAnswers::FindOrInsertRecord(const Record& record) {
  auto owner = names_.IdOf(record.owner);
  if (!owner) return owner;
  const std::string data = RdataText(record.type, record.rdata);
  for (Prepared* prepared : {&select_record_, &insert_record_}) {
    prepared->statement.Bind(1, *owner);
    prepared->statement.Bind(2, int64_t{record.type});
    prepared->statement.Bind(3, data);
  }
  auto found = FindId(select_record_.statement);
  if (!found || *found != 0) return found;
  return Insert(insert_record_.statement);
}

}  // namespace namegate::resolver
