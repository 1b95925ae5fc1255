#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace namegate::resolver {

// Which rows of the ledger hold which, for the removal of old ones.

// Rows of one table, by id: ?1 < id <= ?2, ?3 of them. The first column is the id to go on from,
// each further one the id of a row that they hold in the table at that place of `holds`, or NULL.
struct ReferenceScan {
  size_t table = 0;    // the place in kSealedTables of the table whose ids the scan goes by
  bool later = false;  // only rows behind the removal's mark
  std::string sql;
  std::vector<size_t> holds;
};

// A table whose old rows are removed unless something holds them.
struct RemovableTable {
  size_t table = 0;
  // What holds its rows and is no row that stays: each statement gives an id that stays, or NULL.
  // The newest always does, so that no id is ever given twice.
  std::vector<std::string> stays;
  // What else holds rows of this table, before any is removed.
  std::vector<ReferenceScan> held_by;
  // Rows that go with the row ?1 of this table.
  std::vector<std::string> remove_with;
  // What the rows that stay hold.
  std::vector<ReferenceScan> references;
};

// In an order in which every table stands behind those that hold its rows.
std::vector<RemovableTable> RemovalOrder();

}  // namespace namegate::resolver
