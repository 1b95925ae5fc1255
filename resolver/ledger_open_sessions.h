#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "resolver/ledger_rows.h"

namespace namegate::resolver {

// The sessions that are open in the ledger, as rows that would open them in another.
class LedgerOpenSessions {
 public:
  // Those of the ledger at `path`.
  static Result<LedgerOpenSessions> Read(const std::string& path);

  // What a committed group changes.
  void Note(std::span<const LedgerRow> rows, const std::vector<bool>& committed);
  // In the order of their ids.
  std::vector<LedgerRow> rows() const;

 private:
  std::map<int64_t, SessionOpenedRow> sessions_;
};

}  // namespace namegate::resolver
