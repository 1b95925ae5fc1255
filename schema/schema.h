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

// A question that auditors ask, of schema/queries/. Its parameters, all of which may be NULL, are
// :session (an id, or a JSON array of ids), :since_us, and the ids behind and up to which to look:
// :after_query, :until_query, :after_connection and :until_connection. Where a question looks at
// rows one by one, it has :recent_query and :recent_connection, the ids behind which the latest rows
// begin, for when nothing else narrows it.
struct ReadyQuery {
  std::string_view name;
  std::string_view sql;  // begins with a comment whose first sentence is the question
};

std::span<const ReadyQuery> ReadyQueries();

}  // namespace namegate::schema
