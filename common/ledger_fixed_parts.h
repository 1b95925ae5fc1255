#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "common/sqlite.h"

namespace namegate {

// Tables, views and the words in them are the same in every ledger of this version: what differs in
// `ledger`, a sentence each.
Result<std::vector<std::string>> DifferencesOfFixedParts(Database& ledger);

}  // namespace namegate
