#include "common/seal_search.h"

#include "common/ledger_anchor.h"
#include "common/ledger_seal.h"

namespace namegate {

Result<int64_t> LastSealUpTo(Database& ledger, const std::string& column, int64_t bound) {
  auto probe = ledger.Prepare("SELECT seal_id, " + column +
                              " FROM seal WHERE seal_id BETWEEN ?1 AND ?2 AND " + column +
                              " IS NOT NULL ORDER BY seal_id LIMIT 1");
  if (!probe) return probe.error();
  auto low = ledger.QueryInteger("SELECT coalesce(min(seal_id), 1) - 1 FROM seal");
  if (!low) return low.error();
  auto high = ledger.QueryInteger("SELECT coalesce(max(seal_id), 0) FROM seal");
  if (!high) return high.error();
  const int64_t none = *low;
  // Seals up to `low` are within the bound, those above `high` are not. No look goes beyond `high`:
  // where few seals have the mark, each would go to the next that does, over the same seals again.
  while (*low < *high) {
    const int64_t middle = *low + (*high - *low + 1) / 2;
    probe->Bind(1, middle);
    probe->Bind(2, *high);
    auto row = probe->Step();
    if (!row) return row.error();
    const bool within = *row && probe->integer(1) <= bound;
    if (within) {
      *low = probe->integer(0);
    } else {
      *high = middle - 1;
    }
    probe->Reset();
  }
  return *low == none ? 0 : *low;
}

Result<int64_t> MarkAt(Database& ledger, const std::string& mark, int64_t seal_id) {
  auto select = ledger.Prepare("SELECT " + mark + " FROM seal WHERE seal_id <= ?1 AND " + mark +
                               " IS NOT NULL ORDER BY seal_id DESC LIMIT 1");
  if (!select) return select.error();
  select->Bind(1, seal_id);
  auto row = select->Step();
  if (!row) return row.error();
  return *row ? select->integer(0) : 0;
}

Result<int64_t> SealBeforeSession(Database& ledger, int64_t session) {
  auto anchor = ReadChainAnchor(ledger);
  if (!anchor) return anchor.error();
  if (*anchor && session <= (*anchor)->marks[SealedTablePlace("session")]) return 0;
  // min(seal_id) would be looked for among all of them; in the order of sessions there is an index.
  return ledger.QueryInteger("SELECT coalesce((SELECT seal_id - 1 FROM seal WHERE session_id >= " +
                             std::to_string(session) + " ORDER BY session_id LIMIT 1), 0)");
}

}  // namespace namegate
