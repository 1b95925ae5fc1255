#include "gate/command/denial_summary.h"

#include <algorithm>

#include "common/escape.h"
#include "common/ledger_reader.h"

namespace namegate::command {
namespace {

constexpr int64_t kMaxLines = 10;

// In the order in which they first happened.
constexpr char kDenials[] = R"(
SELECT what, reason, COALESCE(remedy, ''), COUNT(*) AS times
FROM denials
WHERE session = ?1
GROUP BY what, reason, remedy
ORDER BY MIN(time), what)";

// The view gives a rule, with "allow-private " before it where that is what it takes.
std::string Flag(std::string_view remedy) {
  constexpr std::string_view kPrivate = "allow-private ";
  if (remedy.starts_with(kPrivate)) {
    return "--allow-private " + Printable(remedy.substr(kPrivate.size()));
  }
  return "--allow " + Printable(remedy);
}

std::string Line(const Statement& row) {
  std::string line = "  " + Printable(row.text(0)) + ": " + Printable(row.text(1));
  if (row.integer(3) > 1) line += " (" + std::to_string(row.integer(3)) + " times)";
  if (!row.text(2).empty()) line += "; to allow it: " + Flag(row.text(2));
  return line + "\n";
}

}  // namespace

Result<std::string> SummariseDenials(const std::string& ledger_path, int64_t session) {
  auto ledger = OpenLedgerToRead(ledger_path);
  if (!ledger) return ledger.error();
  auto denials = ledger->Prepare(kDenials);
  if (!denials) return denials.error();
  denials->Bind(1, session);
  std::string lines;
  int64_t count = 0;
  for (;;) {
    const auto row = denials->Step();
    if (!row) return row.error();
    if (!*row) break;
    if (count++ < kMaxLines) lines += Line(*denials);
  }
  if (count == 0) return std::string();
  if (count > kMaxLines) {
    lines += "  and " + std::to_string(count - kMaxLines) +
             " more: namegate audit denied --session " + std::to_string(session) + "\n";
  }
  return "namegate: denied in this session:\n" + lines;
}

}  // namespace namegate::command
