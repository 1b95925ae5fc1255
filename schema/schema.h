#pragma once

#include <cstdint>
#include <span>
#include <string_view>

// The ledger's SQL as text inside the programs, made from schema/*.sql when they are built.
namespace namegate::schema {

// PRAGMA application_id of a ledger: "NGLG" (https://sqlite.org/pragma.html#pragma_application_id).
inline constexpr int64_t kApplicationId = 0x4e474c47;

// One numbered file: what leads from version - 1 to version. PRAGMA user_version holds the version
// that a ledger is at.
struct Migration {
  int version = 0;
  std::string_view sql;
};

// All of them, from 1 up without a gap. Valid for the whole run.
std::span<const Migration> Migrations();

// The version that this program reads and writes.
int CurrentVersion();

}  // namespace namegate::schema
