#include "common/ledger_fixed_parts.h"

#include <map>
#include <utility>

#include "common/escape.h"
#include "schema/schema.h"

namespace namegate {
namespace {

using Pairs = std::map<std::string, std::string>;

// What is called how, and what must be the same under that name.
struct Part {
  const char* what;
  const char* sql;
};

constexpr Part kParts[] = {
    {"", "SELECT type || ' ' || name, sql FROM sqlite_schema ORDER BY 1"},
    {"reason ", "SELECT reason_id, code || ' ' || alarm || ' ' || meaning FROM reason ORDER BY 1"},
    {"source ", "SELECT source_id, name FROM source ORDER BY 1"},
    {"rrtype ", "SELECT code, name FROM rrtype ORDER BY 1"},
    {"rcode ", "SELECT code, name FROM rcode ORDER BY 1"},
    {"ended_how ", "SELECT how_id, code || ' ' || meaning FROM ended_how ORDER BY 1"}};

Result<Pairs> ReadPairs(Database& database, const char* sql) {
  auto select = database.Prepare(sql);
  if (!select) return select.error();
  Pairs pairs;
  // A name that stands there twice is not what it was either.
  auto read = ForEachRow(
      *select, [&] { pairs[std::string(select->text(0))] += std::string(select->text(1)) + "\n"; });
  if (!read) return read.error();
  return pairs;
}

void Compare(const std::string& what, const Pairs& expected, const Pairs& found,
             std::vector<std::string>& differences) {
  for (const auto& [name, text] : expected) {
    const auto same = found.find(name);
    if (same == found.end()) {
      differences.push_back(what + name + " was removed");
    } else if (same->second != text) {
      differences.push_back(what + name + " was changed");
    }
  }
  for (const auto& [name, text] : found) {
    if (!expected.contains(name)) differences.push_back(what + Printable(name) + " was inserted");
  }
}

}  // namespace

Result<std::vector<std::string>> DifferencesOfFixedParts(Database& ledger) {
  auto fresh = Database::Open(":memory:", Database::Mode::kReadWriteCreate);
  if (!fresh) return fresh.error();
  for (const schema::Migration& migration : schema::Migrations()) {
    if (auto done = fresh->Execute(std::string(migration.sql)); !done) return done.error();
  }
  std::vector<std::string> differences;
  for (const auto& [what, sql] : kParts) {
    auto expected = ReadPairs(*fresh, sql);
    if (!expected) return expected.error();
    auto found = ReadPairs(ledger, sql);
    if (!found) return found.error();
    Compare(what, *expected, *found, differences);
  }
  return differences;
}

}  // namespace namegate
