#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/ledger_seal.h"

namespace namegate {

// A row of a sealed group as it was found.
struct FoundRow {
  int64_t id = 0;
  std::array<uint8_t, SealedGroup::kCheckOctets> check{};
};

// The rows of one table in a group that does not match its seal.
struct FoundRows {
  size_t table = 0;
  int64_t mark = 0;  // the highest id that was sealed
  std::vector<FoundRow> rows;
};

// Which rows of a group are not what was sealed, a sentence each: held against `checks`, what the
// seal keeps of them. Empty if that does not tell. `seal` is what to call the seal.
std::vector<std::string> DifferencesOfGroup(const std::string& seal,
                                            const std::vector<FoundRows>& found,
                                            std::string_view checks);

}  // namespace namegate
