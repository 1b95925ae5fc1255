#include "gate/command/audit_tail.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "common/wall_clock.h"
#include "gate/command/audit_printer.h"
#include "gate/command/audit_reports.h"
#include "gate/command/output.h"

namespace namegate::command {
namespace {

using Json = nlohmann::json;

constexpr int kLookEveryMs = 200;

#define NAMEGATE_TAIL_COLUMNS "kind, id, time, session, label, what, verdict, reason, rule, process"

// Queries and connections as one kind of row.
constexpr char kQueriesAfter[] =
    "SELECT 'query' AS kind, id, time, session, label,"
    " coalesce(qname, '(unreadable question)') || ' ' || qtype AS what, verdict, reason, rule,"
    " NULL AS process, time_us FROM queries WHERE id > :after_query AND ";
constexpr char kConnectionsAfter[] =
    "SELECT 'connection' AS kind, id, time, session, label,"
    " coalesce(name || ' ', '')"
    " || coalesce(iif(instr(address, ':') > 0, '[' || address || ']', address) || ':' || port"
    " || '/' || protocol, '(no destination)') AS what, verdict, reason, rule, process, time_us"
    " FROM connections WHERE id > :after_connection AND ";

// For people: what varies in length stands last.
void PrintLine(const Statement& row) {
  const auto text = [&](int column) {
    return row.is_null(column) ? std::string("-") : Shown(row.text(column));
  };
  std::cout << text(2) << "  " << text(3) << "  " << text(6) << "  " << text(7) << "  " << text(0)
            << ' ' << text(5);
  if (!row.is_null(9)) std::cout << " by " << text(9);
  if (!row.is_null(8)) std::cout << " (" << text(8) << ')';
  std::cout << '\n';
}

// Whether someone may still read what is printed.
bool WaitForReader() {
  pollfd output{STDOUT_FILENO, 0, 0};
  poll(&output, 1, kLookEveryMs);
  return (output.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

class Tail {
 public:
  static Result<Tail> Create(const CommonOptions& common, const AuditOptions& options) {
    Tail tail(common, options);
    if (auto opened = tail.Open(); !opened) return opened.error();
    if (common.json) {
      tail.printer_ =
          RowPrinter::Create(RowFormat::kJsonl, {"kind", "id", "time", "session", "label", "what",
                                                 "verdict", "reason", "rule", "process"});
    }
    return Result<Tail>(std::move(tail));
  }

  // The latest rows of either kind that the filter lets through, oldest first.
  Result<void> PrintLatest(int64_t rows) {
    const auto latest = [this](const char* select) {
      return "SELECT " NAMEGATE_TAIL_COLUMNS ", time_us FROM (" + std::string(select) + where_ +
             " ORDER BY id DESC LIMIT :limit)";
    };
    return Print("SELECT " NAMEGATE_TAIL_COLUMNS " FROM (" + latest(kQueriesAfter) + " UNION ALL " +
                     latest(kConnectionsAfter) +
                     " ORDER BY time_us DESC, kind DESC, id DESC LIMIT :limit)"
                     " ORDER BY time, kind, id",
                 rows);
  }

  // Goes on from what is there now, until nobody reads any more.
  Result<void> Follow() {
    while (WaitForReader()) {
      if (HasMoved()) {
        if (auto gone = GoOver(); !gone) return gone;
        continue;
      }
      // Changes whenever another connection has committed (https://sqlite.org/pragma.html).
      auto version = ledger_.QueryInteger("PRAGMA data_version");
      if (!version) return version.error();
      if (std::exchange(version_, *version) == *version) continue;
      if (auto printed = PrintNew(); !printed) return printed;
    }
    return {};
  }

 private:
  Tail(const CommonOptions& common, const AuditOptions& options)
      : common_(common), options_(options) {}

  // The ledger at its path, from its beginning.
  Result<void> Open() {
    auto ledger = OpenLedger(common_);
    if (!ledger) return ledger.error();
    auto filter = AuditFilter::Resolve(*ledger, options_, NowMicroseconds());
    if (!filter) return filter.error();
    ledger_ = *std::move(ledger);
    filter_ = *std::move(filter);
    where_ = filter_.Sql("session", "time_us");
    queries_ = connections_ = 0;
    version_ = -1;
    return {};
  }

  // True if another file, or none, is where this one was: the daemon found it damaged.
  bool HasMoved() const {
    int moved = 0;
    sqlite3_file_control(ledger_.handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
  }

  // To the ledger that was begun in its place, as soon as it is there and has the session that was
  // asked for.
  Result<void> GoOver() {
    if (!std::exchange(said_, true)) {
      Complain(
          "the ledger was moved away, as one that is damaged is; what can still be read of it"
          " comes first, then the one in its place");
      // It may be damaged: then this is all.
      static_cast<void>(PrintNew());
    }
    if (!Open()) return {};
    said_ = false;
    return PrintNew();
  }

  Result<void> PrintNew() {
    return Print("SELECT " NAMEGATE_TAIL_COLUMNS " FROM (" + std::string(kQueriesAfter) + where_ +
                     " UNION ALL " + kConnectionsAfter + where_ + ") ORDER BY time, kind, id",
                 -1);
  }

  Result<void> Print(const std::string& sql, int64_t limit) {
    // One moment, so that what is counted as seen is what was printed.
    if (auto begun = ledger_.Execute("BEGIN"); !begun) return begun;
    auto printed = PrintInTransaction(sql, limit);
    auto ended = ledger_.Execute("COMMIT");
    if (!printed) return printed;
    if (!ended) return ended;
    return FlushOutput();
  }

  Result<void> PrintInTransaction(const std::string& sql, int64_t limit) {
    auto select = ledger_.Prepare(sql);
    if (!select) return select.error();
    filter_.Bind(*select);
    if (queries_ > 0) Bind(*select, ":after_query", queries_);
    if (connections_ > 0) Bind(*select, ":after_connection", connections_);
    Bind(*select, ":limit", limit);
    auto printed = ForEachRow(*select, [&] { PrintRow(*select); });
    return printed ? MoveOn() : printed;
  }

  void PrintRow(const Statement& row) {
    if (!printer_) return PrintLine(row);
    std::vector<Json> cells;
    for (int column = 0; column < row.column_count(); ++column) cells.push_back(Cell(row, column));
    printer_->Row(cells);
  }

  Result<void> MoveOn() {
    auto queries = ledger_.QueryInteger("SELECT coalesce(max(query_id), 0) FROM query");
    if (!queries) return queries.error();
    auto connections =
        ledger_.QueryInteger("SELECT coalesce(max(connection_id), 0) FROM connection");
    if (!connections) return connections.error();
    queries_ = *queries;
    connections_ = *connections;
    return {};
  }

  static void Bind(Statement& statement, const char* name, int64_t value) {
    const int parameter = sqlite3_bind_parameter_index(statement.handle(), name);
    if (parameter != 0) statement.Bind(parameter, value);
  }

  CommonOptions common_;
  AuditOptions options_;
  Database ledger_;
  AuditFilter filter_;
  std::string where_;
  std::unique_ptr<RowPrinter> printer_;  // null: lines for people
  bool said_ = false;                    // that the ledger has moved
  int64_t queries_ = 0;                  // up to these ids all was printed
  int64_t connections_ = 0;
  int64_t version_ = -1;
};

}  // namespace

Result<void> AuditTail(const CommonOptions& common, const AuditOptions& options, bool follow) {
  auto tail = Tail::Create(common, options);
  if (!tail) return tail.error();
  if (auto printed = tail->PrintLatest(options.limit == 0 ? -1 : options.limit); !printed) {
    return printed;
  }
  return follow ? tail->Follow() : Result<void>();
}

}  // namespace namegate::command
