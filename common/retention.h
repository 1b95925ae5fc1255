#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace namegate {

// What the operator wants of the ledger: how long, and how much. Nothing is removed by default.
struct Retention {
  std::chrono::microseconds keep{0};  // 0: for ever
  int64_t max_bytes = 0;              // 0: however large it grows
  // What is younger stays even if the ledger is too large: sessions that have just ended are still
  // writing their last rows, and leases are rebuilt from the latest answers.
  std::chrono::microseconds spared = std::chrono::minutes(10);

  bool wanted() const { return keep.count() > 0 || max_bytes > 0; }
};

// "90d": a whole number of s, m, h, d or w, and at most a hundred years.
inline constexpr char kAgeForms[] = "a number with s, m, h, d or w: \"90d\"";
std::optional<std::chrono::seconds> AgeFromText(std::string_view text);

// "10GiB": a whole number of MiB, GiB or TiB, or of MB, GB or TB.
inline constexpr char kSizeForms[] = "a number with MiB, GiB or TiB: \"10GiB\"";
std::optional<int64_t> SizeFromText(std::string_view text);

}  // namespace namegate
