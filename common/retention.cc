#include "common/retention.h"

#include <charconv>
#include <utility>

namespace namegate {
namespace {

constexpr int64_t kMaxSeconds = int64_t{100} * 366 * 86'400;
constexpr int64_t kMaxBytes = int64_t{1} << 60;

// A number from 1 up in front of one of `units`, times what that stands for; at most `most`.
template <size_t kUnits>
std::optional<int64_t> Measure(std::string_view text,
                               const std::pair<std::string_view, int64_t> (&units)[kUnits],
                               int64_t most) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 1) return std::nullopt;
  const std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
  for (const auto& [unit, size] : units) {
    if (rest != unit) continue;
    if (number > most / size) return std::nullopt;
    return number * size;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::seconds> AgeFromText(std::string_view text) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86'400}, {"w", 604'800}};
  const auto seconds = Measure(text, kUnits, kMaxSeconds);
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

std::optional<int64_t> SizeFromText(std::string_view text) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"MiB", int64_t{1} << 20}, {"GiB", int64_t{1} << 30}, {"TiB", int64_t{1} << 40},
      {"MB", 1'000'000},         {"GB", 1'000'000'000},     {"TB", 1'000'000'000'000}};
  return Measure(text, kUnits, kMaxBytes);
}

}  // namespace namegate
