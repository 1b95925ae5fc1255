#pragma once

#include <utility>

#include "common/ledger_seal.h"
#include "common/result.h"
#include "common/sqlite.h"

namespace namegate {

// The rows of a sealed table, one after the other, as they are hashed.
class RowStream {
 public:
  static Result<RowStream> Open(Database& ledger, size_t table) {
    auto select = ledger.Prepare(kSealedTables[table].select);
    if (!select) return select.error();
    select->Bind(1, kNoMark);
    select->Bind(2, INT64_MAX);
    RowStream stream(table, *std::move(select));
    if (auto moved = stream.Move(); !moved) return moved.error();
    return stream;
  }

  bool at_end() const { return at_end_; }
  int64_t id() const { return select_.integer(0); }
  SealDigest Digest() const { return RowDigest(table_, select_); }
  Result<void> Move() {
    auto row = select_.Step();
    if (!row) return row.error();
    at_end_ = !*row;
    return {};
  }
  // To the first row behind `id`.
  Result<void> MoveBehind(int64_t id) {
    select_.Reset();
    select_.Bind(1, id);
    return Move();
  }

 private:
  RowStream(size_t table, Statement select) : table_(table), select_(std::move(select)) {}
  size_t table_;
  Statement select_;
  bool at_end_ = false;
};

}  // namespace namegate
