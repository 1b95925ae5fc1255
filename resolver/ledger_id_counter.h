#pragma once

#include <cstdint>
#include <string>

#include "common/result.h"
#include "common/sqlite.h"

namespace namegate::resolver {

// Hands out ids, one after the other.
class IdCounter {
 public:
  // From the highest that `table` holds.
  static Result<IdCounter> After(Database& database, const std::string& id,
                                 const std::string& table) {
    auto highest = database.QueryInteger("SELECT coalesce(max(" + id + "), 0) FROM " + table);
    if (!highest) return highest.error();
    return IdCounter(*highest);
  }
  int64_t Next() { return ++last_; }

 private:
  explicit IdCounter(int64_t last) : last_(last) {}
  int64_t last_;
};

}  // namespace namegate::resolver
