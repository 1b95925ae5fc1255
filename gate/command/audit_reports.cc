#include "gate/command/audit_reports.h"

#include <iostream>

#include "common/config.h"
#include "common/ledger_reader.h"
#include "common/state_paths.h"
#include "common/wall_clock.h"
#include "gate/command/audit_printer.h"
#include "gate/command/audit_sql.h"
#include "schema/schema.h"

namespace namegate::command {
namespace {

// A view as a report: every column for programs, those one reads for people.
struct ViewReport {
  const char* view;
  const char* oldest_first;
  const char* latest_first;
  const char* all_columns;
  const char* table_columns;
};

constexpr ViewReport kQueries = {
    "queries",
    "id",  // ids are given in the order of time, and are an index
    "id DESC",
    "id, time, session, label, client, transport, qname, qtype, verdict, reason, rule, rcode, ede,"
    " source, duration_us, answer_id, answer_age, qclass, detail, count",
    "time, session, label, qname, qtype, verdict, reason, rule, rcode, source, duration_us, count"};

constexpr ViewReport kConnections = {
    "connections", "id", "id DESC",
    "id, time, session, label, gate, pid, process, protocol, address, port, verdict, reason, rule,"
    " name, query_id, closed, bytes_out, bytes_in, ended, count",
    "time, session, label, process, pid, protocol, address, port, name, verdict, reason, rule"};

// The rule with the option that takes it, ready to be copied.
#define NAMEGATE_REMEDY_OPTION \
  "iif(remedy LIKE 'allow-private %', '--' || remedy, '--allow ' || remedy)"

constexpr ViewReport kDenials = {
    "denials", "time_us, kind, id", "time_us DESC, kind DESC, id DESC",
    "time, session, label, kind, what, reason, remedy, qtype, process, detail, id",
    "time, session, label, kind, what, reason, " NAMEGATE_REMEDY_OPTION " AS \"to allow it\""};

// The rows of the view that lie in the filter's ranges of ids.
std::string Ranged(const ViewReport& report, const AuditFilter& filter) {
  const std::string select =
      "SELECT " + std::string(report.all_columns) + ", time_us FROM " + report.view + " WHERE ";
  if (report.view == std::string_view("queries")) {
    return "(" + select + filter.RangeSql("query", "id") + ")";
  }
  if (report.view == std::string_view("connections")) {
    return "(" + select + filter.RangeSql("connection", "id") + ")";
  }
  return "(" + select + "kind = 'query' AND " + filter.RangeSql("query", "id") + " UNION ALL " +
         select + "kind = 'connection' AND " + filter.RangeSql("connection", "id") + ")";
}

Result<void> PrintView(const CommonOptions& common, const AuditOptions& options,
                       const ViewReport& report) {
  auto ledger = OpenLedger(common);
  if (!ledger) return ledger.error();
  auto filter = AuditFilter::Resolve(*ledger, options, NowMicroseconds());
  if (!filter) return filter.error();
  const std::string latest = "SELECT " + std::string(report.all_columns) + ", time_us FROM " +
                             Ranged(report, *filter) + " WHERE " +
                             filter->Sql("session", "time_us") + " ORDER BY " +
                             report.latest_first + " LIMIT :limit";
  const std::string columns = common.json ? report.all_columns : report.table_columns;
  auto statement = ledger->Prepare("SELECT " + columns + " FROM (" + latest + ") ORDER BY " +
                                   report.oldest_first);
  if (!statement) return statement.error();
  filter->Bind(*statement);
  statement->Bind(sqlite3_bind_parameter_index(statement->handle(), ":limit"),
                  options.limit == 0 ? int64_t{-1} : options.limit);
  auto rows = PrintRows(*statement, FormatOf(common.json));
  if (!rows) return rows.error();
  if (*rows > 0 && *rows == options.limit) {
    std::cerr << "namegate: these are the latest " << *rows << "; for all of them: --limit 0\n";
  }
  return {};
}

// What `audit summary` says, gathered as the JSON it may be printed as.
class Summary {
 public:
  using Json = nlohmann::ordered_json;

  Summary(Database& ledger, const AuditFilter& filter) : ledger_(ledger), filter_(filter) {}

  Result<Json> Gather() {
    Json counts;
    if (auto added = AddRow(counts, kSessions, "session_id", "opened_us"); !added) {
      return added.error();
    }
    const std::string queries = kQueryCounts + filter_.RangeSql("query", "query_id") + " AND ";
    if (auto added = AddRow(counts, queries, "session_id", "time_us"); !added) {
      return added.error();
    }
    const std::string connections =
        kConnectionCounts + filter_.RangeSql("connection", "connection_id") + " AND ";
    if (auto added = AddRow(counts, connections, "session_id", "time_us"); !added) {
      return added.error();
    }
    auto denied = MostDenied();
    if (!denied) return denied.error();
    counts["most_denied"] = *std::move(denied);
    return counts;
  }

 private:
  // Straight from the tables: the views would join four others for each row that is counted.
  static constexpr char kSessions[] =
      "SELECT count(*) AS sessions, count(*) FILTER (WHERE session_id NOT IN"
      " (SELECT session_id FROM session_closing)) AS sessions_open FROM session WHERE ";
  static constexpr char kQueryCounts[] =
      "SELECT coalesce(sum(coalesce(k.count, 1)) FILTER (WHERE verdict = 1), 0) AS queries_allowed,"
      " coalesce(sum(coalesce(k.count, 1)) FILTER (WHERE verdict = 0), 0) AS queries_denied"
      " FROM query LEFT JOIN query_count AS k USING (query_id) WHERE ";
  // Probes are no denials; see the view.
  static constexpr char kConnectionCounts[] =
      "SELECT count(*) FILTER (WHERE verdict = 1) AS connections_allowed,"
      " count(*) FILTER (WHERE verdict = 0 AND reason IN"
      " (SELECT reason_id FROM reason WHERE alarm = 1)) AS connections_denied"
      " FROM connection WHERE ";

  Result<Statement> Select(const std::string& sql) {
    auto statement = ledger_.Prepare(sql);
    if (statement) filter_.Bind(*statement);
    return statement;
  }

  Result<void> AddRow(Json& counts, const std::string& sql, const char* session,
                      const char* time_us) {
    auto statement = Select(sql + filter_.Sql(session, time_us));
    if (!statement) return statement.error();
    auto row = statement->Step();
    if (!row) return row.error();
    for (int i = 0; i < statement->column_count(); ++i) {
      counts[statement->column_name(i)] = statement->integer(i);
    }
    return {};
  }

  Result<Json> MostDenied() {
    // As the ready question has it, which counts in indexes.
    std::string denied(FindReady("denied_most")->sql);
    denied.resize(denied.find_last_of(';'));
    auto statement = Select("SELECT times, kind, what, reason, remedy, " NAMEGATE_REMEDY_OPTION
                            " AS option FROM (" +
                            denied + ") ORDER BY times DESC, what, kind, reason LIMIT 10");
    if (!statement) return statement.error();
    Json rows = Json::array();
    auto more = statement->Step();
    while (more && *more) {
      Json row;
      for (int i = 0; i < statement->column_count(); ++i) {
        row[statement->column_name(i)] = Cell(*statement, i);
      }
      rows.push_back(std::move(row));
      more = statement->Step();
    }
    if (!more) return more.error();
    return rows;
  }

  Database& ledger_;
  const AuditFilter& filter_;
};

void PrintSummary(const Summary::Json& summary) {
  std::cout << "Sessions:     " << summary["sessions"] << " (" << summary["sessions_open"]
            << " open)\n"
            << "Queries:      " << summary["queries_allowed"] << " allowed, "
            << summary["queries_denied"] << " denied\n"
            << "Connections:  " << summary["connections_allowed"] << " allowed, "
            << summary["connections_denied"] << " denied\n";
  const auto& denied = summary["most_denied"];
  if (denied.empty()) return;
  std::cout << "\nDenied most:\n";
  const auto table =
      RowPrinter::Create(RowFormat::kTable, {"times", "kind", "what", "reason", "to allow it"});
  for (const auto& row : denied) {
    table->Row({row["times"], row["kind"], row["what"], row["reason"], row["option"]});
  }
  table->End();
}

}  // namespace

Result<Database> OpenLedger(const CommonOptions& common) {
  const auto config = Config::Load(common.config, common.state_dir);
  if (!config) return config.error();
  return OpenLedgerToRead(StatePaths(config->state_dir).ledger());
}

Result<void> AuditSummary(const CommonOptions& common, const AuditOptions& options) {
  auto ledger = OpenLedger(common);
  if (!ledger) return ledger.error();
  auto filter = AuditFilter::Resolve(*ledger, options, NowMicroseconds());
  if (!filter) return filter.error();
  auto summary = Summary(*ledger, *filter).Gather();
  if (!summary) return summary.error();
  if (common.json) {
    std::cout << summary->dump(2, ' ', true, nlohmann::json::error_handler_t::replace) << '\n';
  } else {
    PrintSummary(*summary);
  }
  return FlushOutput();
}

Result<void> AuditQueries(const CommonOptions& common, const AuditOptions& options) {
  return PrintView(common, options, kQueries);
}

Result<void> AuditConnections(const CommonOptions& common, const AuditOptions& options) {
  return PrintView(common, options, kConnections);
}

Result<void> AuditDenied(const CommonOptions& common, const AuditOptions& options) {
  return PrintView(common, options, kDenials);
}

}  // namespace namegate::command
