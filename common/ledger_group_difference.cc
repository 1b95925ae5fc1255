#include "common/ledger_group_difference.h"

#include <algorithm>

namespace namegate {
namespace {

using Check = std::array<uint8_t, SealedGroup::kCheckOctets>;

// Pairs of rows that are compared to find out which was removed or inserted; beyond, the group is
// named as a whole.
constexpr size_t kMaxComparisons = 4'000'000;

// What a seal says of one table's rows.
struct ExpectedRows {
  bool known = false;
  std::vector<Check> checks;
};

// Takes the checks of one table off the front of `bytes`; unknown if that is not what they are.
ExpectedRows TakeChecks(std::string_view& bytes) {
  ExpectedRows rows;
  if (bytes.size() < 4) return rows;
  size_t count = 0;
  for (int i = 0; i < 4; ++i)
    count = count << 8 | static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
  bytes.remove_prefix(4);
  if (bytes.size() / SealedGroup::kCheckOctets < count) return rows;
  rows.known = true;
  for (size_t i = 0; i < count; ++i) {
    Check check{};
    std::copy_n(bytes.begin(), check.size(), check.begin());
    rows.checks.push_back(check);
    bytes.remove_prefix(check.size());
  }
  return rows;
}

std::ptrdiff_t Offset(size_t size) { return static_cast<std::ptrdiff_t>(size); }

// One table's rows, held against what the seal keeps of them.
class TableComparison {
 public:
  TableComparison(const std::string& seal, const FoundRows& found, std::vector<std::string>& out)
      : seal_(seal), name_(kSealedTables[found.table].table), found_(found), out_(out) {}

  void Compare(const std::vector<Check>& checks) {
    const std::vector<FoundRow>& found = found_.rows;
    size_t front = 0;
    while (front < std::min(found.size(), checks.size()) && found[front].check == checks[front]) {
      ++front;
    }
    size_t back = 0;
    while (back < std::min(found.size(), checks.size()) - front &&
           found[found.size() - 1 - back].check == checks[checks.size() - 1 - back]) {
      ++back;
    }
    Align(front, {found.begin() + Offset(front), found.end() - Offset(back)},
          {checks.begin() + Offset(front), checks.end() - Offset(back)}, back == 0);
  }

 private:
  // The longest common subsequence tells what stayed; what is between is paired as changed as far
  // as it goes, and the rest was removed or inserted. `found` begins at `front` of the table's
  // rows; `to_end` says whether the last row that was sealed is among `checks`.
  void Align(size_t front, const std::vector<FoundRow>& found, const std::vector<Check>& checks,
             bool to_end) {
    const size_t rows = found.size();
    const size_t columns = checks.size();
    if (rows == columns) return CompareInPlace(found, checks);
    if ((rows + 1) * (columns + 1) > kMaxComparisons) {
      return out_.push_back(std::to_string(columns) + " rows of " + name_ + " were sealed by " +
                            seal_ + ", and now there are " + std::to_string(rows) +
                            " in their place");
    }
    std::vector<uint32_t> lengths((rows + 1) * (columns + 1), 0);
    const auto length = [&](size_t i, size_t j) -> uint32_t& {
      return lengths[i * (columns + 1) + j];
    };
    for (size_t i = rows; i-- > 0;) {
      for (size_t j = columns; j-- > 0;) {
        length(i, j) = found[i].check == checks[j] ? length(i + 1, j + 1) + 1
                                                   : std::max(length(i + 1, j), length(i, j + 1));
      }
    }
    size_t i = 0;
    size_t j = 0;
    while (i < rows || j < columns) {
      if (i < rows && j < columns && found[i].check == checks[j]) {
        ++i;
        ++j;
      } else if (j < columns && (i == rows || length(i, j + 1) >= length(i + 1, j))) {
        Removed(front + i, to_end && j + 1 == columns);
        ++j;
      } else {
        Row(found[i].id, "was inserted or changed");
        ++i;
      }
    }
  }

  void CompareInPlace(const std::vector<FoundRow>& found, const std::vector<Check>& checks) {
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i].check != checks[i]) Row(found[i].id, "was changed");
    }
  }

  void Row(int64_t id, const std::string& what) {
    out_.push_back(name_ + " " + std::to_string(id) + " " + what + " (" + seal_ + ")");
  }

  // A row that stood before the one at `at`, or at the end.
  void Removed(size_t at, bool last) {
    const std::vector<FoundRow>& found = found_.rows;
    const bool between = at > 0 && at < found.size();
    if (last) return Row(found_.mark, "was removed");
    if (between && found[at].id == found[at - 1].id + 2) {
      return Row(found[at].id - 1, "was removed");
    }
    std::string where;
    if (at > 0) where += " after " + std::to_string(found[at - 1].id);
    if (between) where += " and";
    if (at < found.size()) where += " before " + std::to_string(found[at].id);
    out_.push_back("a row of " + name_ + where + " was removed (" + seal_ + ")");
  }

  const std::string& seal_;
  const std::string name_;
  const FoundRows& found_;
  std::vector<std::string>& out_;
};

}  // namespace

std::vector<std::string> DifferencesOfGroup(const std::string& seal,
                                            const std::vector<FoundRows>& found,
                                            std::string_view checks) {
  std::vector<std::string> differences;
  for (const FoundRows& rows : found) {
    const ExpectedRows expected = TakeChecks(checks);
    if (expected.known) TableComparison(seal, rows, differences).Compare(expected.checks);
  }
  return differences;
}

}  // namespace namegate
