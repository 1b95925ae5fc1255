#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/ledger_seal.h"
#include "common/result.h"
#include "common/sqlite.h"

namespace namegate {

// Where the chain of seals begins, once rows have been removed: behind the seal up to which the
// last removal went (schema/README.md, "Retention").
struct ChainAnchor {
  int64_t removal_id = 0;
  std::string why;  // "age" or "size"
  int64_t begun_us = 0;
  int64_t seal_id = 0;
  int64_t seal_time_us = 0;
  SealDigest seal_digest{};
  SealMarks marks = NoMarks();
  // The digest of the last lot of rows that stayed; nothing while the removal is under way.
  std::optional<SealDigest> kept_digest;

  // Whether its marks reach the removal itself. Those of a real one never do, so that a seal behind
  // the new beginning of the chain must cover it.
  bool covers_itself() const {
    return marks[SealedTablePlace("removal")] >= removal_id ||
           marks[SealedTablePlace("removal_done")] >= removal_id;
  }
};

// Nothing if nothing was ever removed.
Result<std::optional<ChainAnchor>> ReadChainAnchor(Database& ledger);

// `marks` as they stand in `removal`: {"name":17,"query":4711}.
std::string MarksText(const SealMarks& marks);

}  // namespace namegate
