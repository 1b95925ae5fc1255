#pragma once

// What toml++ does not do for us: every value checked for its type, every key for being known, and
// errors in one form: "FILE:LINE:COLUMN: what is wrong; what to write".

#include <toml++/toml.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/result.h"

namespace namegate {

class TomlFile {
 public:
  // A file larger than this was not written by a person.
  static constexpr size_t kMaxBytes = size_t{1} << 20;

  // Fails on a missing or unreadable file, bad syntax, or a file without a single key.
  static Result<TomlFile> Read(const std::string& path);
  static Result<TomlFile> FromText(const std::string& text, const std::string& path);

  const toml::table& root() const { return root_; }

  // Fails on the first key of `table` that is not in `known`, naming the nearest known one.
  Result<void> OnlyKeys(const toml::table& table,
                        std::initializer_list<std::string_view> known) const;

  // Each gives the value, or an error at the node's place that says what should stand there.
  Result<std::string> String(const toml::node& node, std::string_view what) const;
  Result<bool> Boolean(const toml::node& node, std::string_view what) const;
  Result<int64_t> Integer(const toml::node& node, std::string_view what, int64_t least,
                          int64_t most) const;

  Error At(const toml::node& node, const std::string& message) const;

 private:
  TomlFile(std::string path, toml::table root) : path_(std::move(path)), root_(std::move(root)) {}
  Error AtPosition(const toml::source_position& position, const std::string& message) const;

  std::string path_;
  toml::table root_;
};

}  // namespace namegate
