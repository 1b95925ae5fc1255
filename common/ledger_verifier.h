#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger_seal.h"
#include "common/result.h"
#include "common/sqlite.h"

namespace namegate {

// One end of the chain of seals, to be kept elsewhere: "17:0a1b…"; number 0 and a digest of zeros
// before the first seal, after which all is proven.
struct SealHead {
  int64_t seal_id = 0;
  SealDigest digest{};

  std::string ToText() const { return std::to_string(seal_id) + ":" + SealText(digest); }
  static std::optional<SealHead> FromText(std::string_view text);
};

// What was found when a ledger was held against its seals.
struct Verification {
  // Findings beyond this many are counted only.
  static constexpr size_t kMaxFindings = 1'000;

  std::vector<std::string> findings;  // a sentence each; none: nothing was changed
  uint64_t finding_count = 0;
  uint64_t rows = 0;
  uint64_t seals = 0;
  uint64_t unkeyed = 0;  // seals without a key, which anybody can make
  SealHead head;         // the last seal; number 0 if there is none
  // Where rows have been removed: up to when; and whether that is under way, so that of what is
  // left up to then nothing can be said.
  std::optional<int64_t> removed_through_us;
  bool removal_under_way = false;

  bool intact() const { return finding_count == 0; }
};

// Verifies all of a ledger that was opened to read, in one moment of it. `since` must be one of its
// seals, unchanged: then nothing before it has changed since it was given out. Without the key,
// keyed seals cannot be verified, which is an error; with it, the last seal must be a keyed one. An
// error too if the ledger cannot be read.
Result<Verification> VerifyLedger(Database& ledger, const std::optional<SealKey>& key,
                                  const std::optional<SealHead>& since);

// The last seal, as it stands, unverified. Number 0 if there is none.
Result<SealHead> ReadSealHead(Database& ledger);

}  // namespace namegate
