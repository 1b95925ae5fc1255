#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/sqlite.h"

namespace namegate::command {

// `text` as it is if it is printable ASCII throughout, as nearly everything in the ledger is;
// otherwise as Printable() makes it. So a name with an escape in it can be copied as it stands.
std::string Shown(std::string_view text);

enum class RowFormat {
  kTable,  // for people: its columns aligned
  kJson,   // an array of objects
  kJsonl,  // an object a line
  kCsv,    // RFC 4180; NULL is empty
};
inline RowFormat FormatOf(bool json) { return json ? RowFormat::kJson : RowFormat::kTable; }

// Shows rows of cells on standard output, as they come.
class RowPrinter {
 public:
  static std::unique_ptr<RowPrinter> Create(RowFormat format,
                                            const std::vector<std::string>& columns);
  virtual ~RowPrinter() = default;

  // One cell per column: null, a number or a text.
  virtual void Row(const std::vector<nlohmann::json>& cells) = 0;
  virtual void End() = 0;
};

// The cell in `column` of the statement's current row; blobs as X'hex'.
nlohmann::json Cell(const Statement& statement, int column);

// Prints all rows of `statement`; gives their number. `step` steps it, if more than that is to be
// done.
Result<int64_t> PrintRows(Statement& statement, RowFormat format,
                          const std::function<Result<bool>()>& step);
Result<int64_t> PrintRows(Statement& statement, RowFormat format);

// An error if standard output cannot be written.
Result<void> FlushOutput();

}  // namespace namegate::command
