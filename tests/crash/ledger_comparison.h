#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "common/sqlite.h"
#include "tests/crash/observations.h"

namespace namegate::testing {

// What was seen, held against the ledger's rows.
struct Tally {
  size_t seen = 0;
  size_t found = 0;       // have exactly one row, which says the same
  size_t missing = 0;     // have none
  size_t twice = 0;       // rows, of whatever was asked, that are there a second time
  size_t wrong = 0;       // have a row that says something else
  std::string first_bad;  // for a person to begin with

  bool complete() const { return seen == found && missing + twice + wrong == 0; }
  std::string ToText() const;
};

// Holds what was seen against a ledger, a little more each time. For ledgers that only grow; one
// that has lost rows takes a new object.
class LedgerComparison {
 public:
  // Each response has a row of its own: the same client, name, rcode and answer. All must be given
  // that were given before, and further ones behind them.
  const Tally& CompareResponses(Database& ledger, const std::vector<SeenResponse>& responses);
  // Each verdict has one: the same session, destination and verdict.
  const Tally& CompareVerdicts(Database& ledger, const std::vector<SeenVerdict>& verdicts);

 private:
  struct Side {
    std::unordered_map<std::string, std::string> rows;  // what was asked, by whom → what came of it
    int64_t last_id = 0;
    Tally tally;

    // `sql` gives id, key and value of the rows behind ?1, in order.
    void Read(Database& ledger, const std::string& sql);
    void Count(const std::string& key, const std::string& value);
  };

  Side queries_;
  Side connections_;
};

}  // namespace namegate::testing
