#include "gate/command/audit_export.h"

#include <vector>

#include "common/escape.h"
#include "common/wall_clock.h"
#include "gate/command/audit_printer.h"
#include "gate/command/audit_reports.h"

namespace namegate::command {
namespace {

// What of a view the options can choose by; null: it has no such column.
struct ExportedView {
  const char* name;
  const char* session;
  const char* time_us;
  const char* table;  // whose ids are in the order of time
  const char* order;
};

constexpr ExportedView kViews[] = {
    {"sessions", "session", "opened_us", nullptr, "session"},
    {"policy_changes", "session", "time_us", nullptr, "id"},
    {"queries", "session", "time_us", "query", "id"},
    {"answers", nullptr, nullptr, nullptr, "answer_id, position"},
    {"connections", "session", "time_us", "connection", "id"},
    {"denials", "session", "time_us", nullptr, "time_us, kind, id"},
    {"destinations", "session", "last_us", nullptr, "session, name, address, port, protocol"},
    {"notices", nullptr, "time_us", nullptr, "id"},
    {"removals", nullptr, nullptr, nullptr, "id"},
};

// All of a view's columns by their names, in their order.
Result<std::string> ColumnsOf(Database& ledger, const char* view) {
  auto select = ledger.Prepare("SELECT name FROM pragma_table_info(?) ORDER BY cid");
  if (!select) return select.error();
  select->Bind(1, std::string_view(view));
  std::string columns;
  auto read = ForEachRow(
      *select, [&] { columns += (columns.empty() ? "" : ", ") + std::string(select->text(0)); });
  if (!read) return read.error();
  return columns;
}

std::string WhereOf(const ExportedView& view, const AuditFilter& filter,
                    const AuditOptions& options) {
  // Sql() names a column only where its option was given.
  std::string where =
      filter.Sql(options.session ? view.session : "", options.since ? view.time_us : "");
  if (view.table != nullptr) where += " AND " + filter.RangeSql(view.table, "id");
  return where;
}

Result<void> PrintView(Database& ledger, const ExportedView& view, const AuditFilter& filter,
                       const AuditOptions& options, const ExportOptions& wanted) {
  auto columns = ColumnsOf(ledger, view.name);
  if (!columns) return columns.error();
  const std::string prefix =
      wanted.view.empty() ? "'" + std::string(view.name) + "' AS view, " : "";
  auto select = ledger.Prepare("SELECT " + prefix + *columns + " FROM " + view.name + " WHERE " +
                               WhereOf(view, filter, options) + " ORDER BY " + view.order);
  if (!select) return select.error();
  filter.Bind(*select);
  auto rows = PrintRows(*select, wanted.format == "csv" ? RowFormat::kCsv : RowFormat::kJsonl);
  if (!rows) return rows.error();
  return {};
}

}  // namespace

std::string CheckView(const std::string& name) {
  std::string views;
  for (const ExportedView& view : kViews) {
    if (name == view.name) return "";
    views += (views.empty() ? "" : ", ") + std::string(view.name);
  }
  return "there is no view '" + Printable(name) + "'; choose one of " + views;
}

Result<void> AuditExport(const CommonOptions& common, const AuditOptions& filter,
                         const ExportOptions& options) {
  if (options.format == "csv" && options.view.empty()) {
    return Error{"CSV has one kind of row; choose it with --view, such as --view queries"};
  }
  auto ledger = OpenLedger(common);
  if (!ledger) return ledger.error();
  auto resolved = AuditFilter::Resolve(*ledger, filter, NowMicroseconds());
  if (!resolved) return resolved.error();
  for (const ExportedView& view : kViews) {
    if (!options.view.empty() && options.view != view.name) continue;
    const bool cannot =
        (filter.session && view.session == nullptr) || (filter.since && view.time_us == nullptr);
    if (cannot && !options.view.empty()) {
      return Error{std::string(view.name) + " cannot be chosen by session or time"};
    }
    if (cannot) continue;
    if (auto done = PrintView(*ledger, view, *resolved, filter, options); !done) return done;
  }
  return {};
}

}  // namespace namegate::command
