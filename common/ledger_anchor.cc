#include "common/ledger_anchor.h"

#include <algorithm>

namespace namegate {
namespace {

// What is no number, or of no table, is passed by: then rows are found that no seal covers.
Result<SealMarks> ReadMarks(Database& ledger, int64_t removal_id) {
  auto select = ledger.Prepare(
      "SELECT m.key, m.value FROM removal AS r, json_each(iif(json_valid(r.marks), r.marks, '{}'))"
      " AS m WHERE r.removal_id = ? AND m.type = 'integer' ORDER BY m.key");
  if (!select) return select.error();
  select->Bind(1, removal_id);
  SealMarks marks = NoMarks();
  auto read = ForEachRow(*select, [&] {
    const size_t place = SealedTablePlace(select->text(0));
    if (place < kSealedTableCount) marks[place] = select->integer(1);
  });
  if (!read) return read.error();
  return marks;
}

}  // namespace

Result<std::optional<ChainAnchor>> ReadChainAnchor(Database& ledger) {
  auto select = ledger.Prepare(
      "SELECT r.removal_id, r.why, r.begun_us, r.seal_id, r.seal_time_us, r.seal_digest,"
      " d.kept_digest FROM removal AS r"
      " LEFT JOIN removal_done AS d ON d.removal_id = r.removal_id"
      " ORDER BY r.removal_id DESC LIMIT 1");
  if (!select) return select.error();
  auto row = select->Step();
  if (!row) return row.error();
  if (!*row) return std::optional<ChainAnchor>();
  ChainAnchor anchor;
  anchor.removal_id = select->integer(0);
  anchor.why = select->text(1);
  anchor.begun_us = select->integer(2);
  anchor.seal_id = select->integer(3);
  anchor.seal_time_us = select->integer(4);
  anchor.seal_digest = SealFromBlob(select->text(5));
  if (!select->is_null(6)) anchor.kept_digest = SealFromBlob(select->text(6));
  auto marks = ReadMarks(ledger, anchor.removal_id);
  if (!marks) return marks.error();
  anchor.marks = *marks;
  return std::optional<ChainAnchor>(std::move(anchor));
}

std::string MarksText(const SealMarks& marks) {
  std::string text;
  for (size_t table = 0; table < kSealedTableCount; ++table) {
    if (marks[table] == kNoMark) continue;
    text += text.empty() ? "{" : ",";
    text += std::string("\"") + kSealedTables[table].table + "\":" + std::to_string(marks[table]);
  }
  return text.empty() ? "{}" : text + "}";
}

}  // namespace namegate
