#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/ledger_seal.h"
#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_interned.h"
#include "resolver/ledger_references.h"
#include "resolver/ledger_used_ids.h"

namespace namegate::resolver {

// A part of a removal, done little by little inside transactions of the caller's. What a job is
// given by reference must outlive it.
class RemovalJob {
 public:
  virtual ~RemovalJob() = default;
  virtual Result<void> Prepare(Database& database) = 0;
  // Some rows' worth: well under a millisecond. True when nothing is left to do.
  virtual Result<bool> DoSome() = 0;
};

// Notes what the rows of a scan hold, up to the id `through`.
class NoteReferences final : public RemovalJob {
 public:
  NoteReferences(ReferenceScan scan, int64_t through, UsedIds& used);
  Result<void> Prepare(Database& database) override;
  Result<bool> DoSome() override;

 private:
  const ReferenceScan scan_;
  const int64_t through_;
  UsedIds& used_;
  int64_t after_;
  Prepared select_;
};

// Removes a table's rows up to its mark, with what goes with them, but for those that are used.
class RemoveRows final : public RemovalJob {
 public:
  // Adds to `removed` how many went.
  RemoveRows(const RemovableTable& table, UsedIds& used, int64_t& removed);
  Result<void> Prepare(Database& database) override;
  Result<bool> DoSome() override;

 private:
  Result<void> Remove(int64_t id);

  const size_t table_;
  const std::vector<std::string> stays_;
  UsedIds& used_;
  int64_t& removed_;
  int64_t after_ = kNoMark;
  Prepared select_;
  std::vector<Prepared> deletes_;
};

// Removes the seals up to one.
class RemoveSeals final : public RemovalJob {
 public:
  explicit RemoveSeals(int64_t through) : through_(through) {}
  Result<void> Prepare(Database& database) override;
  Result<bool> DoSome() override;

 private:
  const int64_t through_;
  Prepared first_{"SELECT min(seal_id) FROM seal", {}};
  Prepared delete_{"DELETE FROM seal WHERE seal_id <= ?", {}};
};

// Removes what `kept` says of earlier removals, and of this one if it was broken off.
class ForgetKept final : public RemovalJob {
 public:
  Result<void> Prepare(Database& database) override;
  Result<bool> DoSome() override;

 private:
  Prepared delete_{
      "DELETE FROM kept WHERE (removal_id, lot) IN"
      " (SELECT removal_id, lot FROM kept ORDER BY removal_id, lot LIMIT 16)",
      {}};
};

// Writes down in `kept` which rows stayed up to the marks.
class SealKept final : public RemovalJob {
 public:
  // `end` begins as the digest that the first lot's is made with, and ends as the last lot's.
  SealKept(int64_t removal_id, const SealMarks& marks, SealDigest& end);
  Result<void> Prepare(Database& database) override;
  Result<bool> DoSome() override;

 private:
  Result<void> SealLot(Statement& select);
  Result<void> Insert(const SealedGroup& lot, int64_t through);

  const int64_t removal_id_;
  const SealMarks marks_;
  SealDigest& end_;
  size_t table_ = 0;
  int64_t after_ = kNoMark;
  int64_t lot_ = 0;
  std::vector<Prepared> selects_;
  Prepared insert_{
      "INSERT INTO kept (removal_id, lot, place, through_id, digest, checks)"
      " VALUES (?, ?, ?, ?, ?, ?)",
      {}};
};

}  // namespace namegate::resolver
