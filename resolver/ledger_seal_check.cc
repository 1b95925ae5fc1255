#include "resolver/ledger_seal_check.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace namegate::resolver {
namespace {

// Takes one table's part off the front of a seal's checks: how many rows it has.
int64_t TakeCount(std::string_view& checks) {
  int64_t count = 0;
  for (size_t i = 0; i < 4 && i < checks.size(); ++i) {
    count = count << 8 | static_cast<uint8_t>(checks[i]);
  }
  const size_t octets = 4 + static_cast<size_t>(count) * SealedGroup::kCheckOctets;
  checks.remove_prefix(std::min(octets, checks.size()));
  return count;
}

// The id of the first of the `count` rows of a table up to `mark`, counted from its end; nothing if
// there are not that many.
Result<std::optional<int64_t>> FirstId(Database& ledger, const std::string& rows, int64_t mark,
                                       int64_t count) {
  auto select = ledger.Prepare(rows.substr(0, rows.rfind(" ORDER BY ")) +
                               " ORDER BY 1 DESC LIMIT 1 OFFSET ?3");
  if (!select) return select.error();
  select->Bind(1, kNoMark);
  select->Bind(2, mark);
  select->Bind(3, count - 1);
  auto row = select->Step();
  if (!row) return row.error();
  if (!*row) return std::optional<int64_t>();
  return std::optional<int64_t>(select->integer(0));
}

Result<void> AddRows(Database& ledger, size_t table, int64_t mark, int64_t count,
                     SealedGroup& group) {
  group.BeginTable(table, mark);
  if (count == 0) return {};
  auto first = FirstId(ledger, kSealedTables[table].select, mark, count);
  if (!first) return first.error();
  if (!*first) return {};
  auto select = ledger.Prepare(kSealedTables[table].select);
  if (!select) return select.error();
  select->Bind(1, **first - 1);
  select->Bind(2, mark);
  return ForEachRow(*select, [&]() -> Result<void> {
    group.Add(RowDigest(table, *select));
    return {};
  });
}

}  // namespace

Result<bool> SealHolds(Database& ledger, int64_t seal_id, const std::optional<SealKey>& key) {
  // The seal before it, of which a removal may have kept the digest alone; zeros before the first.
  std::string sql =
      "SELECT time_us, keyed, digest, checks,"
      " coalesce((SELECT p.digest FROM seal AS p WHERE p.seal_id = s.seal_id - 1),"
      " (SELECT r.seal_digest FROM removal AS r WHERE r.seal_id = s.seal_id - 1"
      " ORDER BY r.removal_id DESC LIMIT 1), zeroblob(32))";
  for (const SealedTable& table : kSealedTables) sql += std::string(", s.") + table.mark;
  auto seal = ledger.Prepare(sql + " FROM seal AS s WHERE s.seal_id = ?");
  if (!seal) return seal.error();
  seal->Bind(1, seal_id);
  auto row = seal->Step();
  if (!row) return row.error();
  if (!*row) return false;
  const bool keyed = seal->integer(1) != 0;
  if (keyed && !key) return false;
  SealedGroup group;
  std::string_view checks = seal->text(3);
  for (size_t table = 0; table < kSealedTableCount; ++table) {
    const int column = static_cast<int>(5 + table);
    if (seal->is_null(column)) continue;
    auto added = AddRows(ledger, table, seal->integer(column), TakeCount(checks), group);
    if (!added) return added.error();
  }
  const SealDigest digest =
      group.Digest(SealFromBlob(seal->text(4)), seal_id, seal->integer(0), keyed ? &*key : nullptr);
  return digest == SealFromBlob(seal->text(2));
}

}  // namespace namegate::resolver
