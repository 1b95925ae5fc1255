#include "common/toml_reader.h"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <vector>

#include "common/escape.h"
#include "common/system_error.h"

namespace namegate {
namespace {

// Levenshtein distance, for "did you mean".
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string Listed(std::initializer_list<std::string_view> known) {
  std::string list;
  for (const std::string_view key : known) {
    if (!list.empty()) list += ", ";
    list += key;
  }
  return list;
}

}  // namespace

Result<TomlFile> TomlFile::Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return SystemError("read '" + path + "'");
  std::string text(kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Error{"read '" + path + "': it is not a readable file"};
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxBytes) return Error{"read '" + path + "': it is larger than 1 MiB"};
  return FromText(text, path);
}

Result<TomlFile> TomlFile::FromText(const std::string& text, const std::string& path) {
  try {
    TomlFile file(path, toml::parse(text));
    if (file.root_.empty()) {
      return file.AtPosition({1, 1}, "the file is empty; it begins with version = 1");
    }
    return file;
  } catch (const toml::parse_error& error) {
    const auto position = error.source().begin;
    return Error{path + ":" + std::to_string(position.line) + ":" +
                 std::to_string(position.column) + ": " + Printable(error.description())};
  }
}

Result<void> TomlFile::OnlyKeys(const toml::table& table,
                                std::initializer_list<std::string_view> known) const {
  for (const auto& [key, value] : table) {
    const std::string_view name = key.str();
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto* nearest = std::min_element(known.begin(), known.end(),
                                           [name](std::string_view a, std::string_view b) {
                                             return EditDistance(name, a) < EditDistance(name, b);
                                           });
    std::string message = "unknown key '" + Printable(name) + "'";
    message += EditDistance(name, *nearest) <= 2 ? "; did you mean '" + std::string(*nearest) + "'?"
                                                 : "; known here: " + Listed(known);
    return AtPosition(key.source().begin, message);
  }
  return {};
}

Result<std::string> TomlFile::String(const toml::node& node, std::string_view what) const {
  if (const auto value = node.value_exact<std::string>()) return *value;
  return At(node, std::string(what) + " must be a string in quotes");
}

Result<bool> TomlFile::Boolean(const toml::node& node, std::string_view what) const {
  if (const auto value = node.value_exact<bool>()) return *value;
  return At(node, std::string(what) + " must be true or false");
}

Result<int64_t> TomlFile::Integer(const toml::node& node, std::string_view what, int64_t least,
                                  int64_t most) const {
  const auto value = node.value_exact<int64_t>();
  if (value && *value >= least && *value <= most) return *value;
  return At(node, std::string(what) + " must be a whole number from " + std::to_string(least) +
                      " to " + std::to_string(most));
}

Error TomlFile::At(const toml::node& node, const std::string& message) const {
  return AtPosition(node.source().begin, message);
}

Error TomlFile::AtPosition(const toml::source_position& position,
                           const std::string& message) const {
  return Error{path_ + ":" + std::to_string(position.line) + ":" + std::to_string(position.column) +
               ": " + message};
}

}  // namespace namegate
