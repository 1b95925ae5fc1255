#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/ledger_anchor.h"
#include "common/ledger_seal.h"
#include "common/result.h"
#include "common/sqlite.h"
#include "resolver/ledger_interned.h"

namespace namegate::resolver {

// Holds the oldest part of a ledger against its seals, little by little, before a removal seals
// anew what stays of it: else whoever changed a row had the daemon vouch for it. Nothing of that
// part may be written meanwhile.
class ChainCheck {
 public:
  // From what the removal `from` left (nothing: from the first seal) up to a seal. The database
  // must outlive the object.
  ChainCheck(Database& database, std::optional<ChainAnchor> from, int64_t through_seal_id,
             std::optional<SealKey> key);

  // Works until about `deadline`. True when it is through.
  Result<bool> Step(std::chrono::steady_clock::time_point deadline);
  // "seal 17", the first that does not match; empty if all do.
  const std::string& mismatch() const { return mismatch_; }

 private:
  // A seal, or a lot of `kept`, which is made alike.
  struct Link {
    std::string name;
    int64_t number = 0;
    int64_t time_us = 0;  // of a lot the removal's number
    bool keyed = false;
    SealDigest digest{};
    std::vector<std::pair<size_t, int64_t>> marks;  // of each table with rows, in their order
  };

  Result<void> Prepare();
  Result<bool> ReadLink();
  Result<bool> ReadLot();
  Result<bool> ReadSeal();
  Result<bool> AddRows();
  void Compare();

  Database& database_;
  const std::optional<ChainAnchor> from_;
  const int64_t through_seal_id_;
  const std::optional<SealKey> key_;
  SealDigest previous_{};
  bool lots_left_;
  int64_t last_lot_ = 0;
  int64_t last_seal_ = 0;
  SealMarks after_ = NoMarks();  // up to where each table has been read
  // The link at hand, and how much of it is in the group.
  std::optional<Link> link_;
  SealedGroup group_;
  size_t table_at_ = 0;
  bool table_begun_ = false;
  std::string mismatch_;
  Prepared lots_;
  Prepared seals_;
  std::vector<Prepared> selects_;
};

}  // namespace namegate::resolver
