#include "gate/command/audit.h"

#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "gate/command/audit_export.h"
#include "gate/command/audit_help.h"
#include "gate/command/audit_reports.h"
#include "gate/command/audit_sql.h"
#include "gate/command/audit_tail.h"
#include "gate/command/audit_verify.h"
#include "gate/command/output.h"

namespace namegate::command {
namespace {

constexpr int64_t kTailRows = 10;
constexpr int64_t kMaxTimeLimitS = 86'400;

// What the options of `audit` are written to; shared by the callbacks that read it.
struct AuditCommand {
  const CommonOptions& common;
  int* exit_status;
  AuditOptions options;
  SqlOptions sql;
  ExportOptions exported;
  bool follow = false;
  int64_t tail_rows = kTailRows;
  VerifyOptions verify;

  void Finish(const Result<void>& result) const {
    *exit_status = result ? kOk : Fail(result.error().message);
  }
};
using Shared = std::shared_ptr<AuditCommand>;

CLI::App* Add(CLI::App& parent, const char* name, const char* description, const char* help) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->fallthrough();
  command->footer(help);
  return command;
}

// A mistake in an option is wrong usage, found before anything is opened.
std::string CheckSince(const std::string& text) {
  const auto since = ParseSince(text, 0);
  return since ? "" : since.error().message;
}

void AddFilter(CLI::App& command, const Shared& audit) {
  command.add_option("--session", audit->options.session, "Only this session, by id or label")
      ->type_name("ID");
  command
      .add_option("--since", audit->options.since, "Only what was later: 15m, 2h, 3d, or UTC time")
      ->type_name("WHEN")
      ->check(CheckSince);
}

using Report = Result<void> (*)(const CommonOptions&, const AuditOptions&);

CLI::App* AddReport(CLI::App& parent, const Shared& audit, Report report, const char* name,
                    const char* description, const char* help) {
  CLI::App* command = Add(parent, name, description, help);
  AddFilter(*command, audit);
  command->callback([audit, report] { audit->Finish(report(audit->common, audit->options)); });
  return command;
}

// A number of rows, of any size.
CLI::Range RowCount() { return {int64_t{0}, std::numeric_limits<int64_t>::max()}; }

void AddListReport(CLI::App& parent, const Shared& audit, Report report, const char* name,
                   const char* description, const char* help) {
  CLI::App* command = AddReport(parent, audit, report, name, description, help);
  command->add_option("--limit", audit->options.limit, "The latest N rows; 0 for all")
      ->type_name("N")
      ->check(RowCount())
      ->capture_default_str();
}

void AddSql(CLI::App& parent, const Shared& audit) {
  CLI::App* command =
      Add(parent, "sql", "Ask the ledger anything, in SQL; nothing can be changed", kAuditSqlHelp);
  command->footer(kAuditSqlHelp + ReadyHelp());
  AddFilter(*command, audit);
  CLI::Option* sql =
      command->add_option("sql", audit->sql.sql, "One query, or - for standard input")
          ->type_name("SQL");
  CLI::Option* ready =
      command->add_option("--ready", audit->sql.ready, "Ask this ready question instead")
          ->type_name("NAME")
          ->check(CheckReady)
          ->excludes(sql);
  command
      ->add_option("--latest", audit->sql.latest,
                   "With --ready: the latest N queries, and a tenth as many connections; 0 for all")
      ->type_name("N")
      ->check(RowCount())
      ->capture_default_str()
      ->needs(ready);
  command->add_option("--time-limit", audit->sql.time_limit_s, "Give up after so many seconds")
      ->type_name("SECONDS")
      ->check(CLI::Range(int64_t{1}, kMaxTimeLimitS))
      ->capture_default_str();
  command->callback([audit, sql, ready] {
    if (sql->empty() && ready->empty()) throw CLI::RequiredError("SQL, or --ready NAME,");
    audit->Finish(AuditSql(audit->common, audit->options, audit->sql));
  });
}

void AddTail(CLI::App& parent, const Shared& audit) {
  CLI::App* command =
      Add(parent, "tail", "The latest queries and connections, and what comes", kAuditTailHelp);
  AddFilter(*command, audit);
  command->add_flag("-f,--follow", audit->follow, "Go on with what is recorded from now on");
  command->add_option("--limit", audit->tail_rows, "Begin with the latest N; 0 for all")
      ->type_name("N")
      ->check(RowCount())
      ->capture_default_str();
  command->callback([audit] {
    audit->options.limit = audit->tail_rows;
    audit->Finish(AuditTail(audit->common, audit->options, audit->follow));
  });
}

void AddExport(CLI::App& parent, const Shared& audit) {
  CLI::App* command = Add(parent, "export", "The whole ledger, or a view of it, for other programs",
                          kAuditExportHelp);
  AddFilter(*command, audit);
  command->add_option("--format", audit->exported.format, "jsonl or csv")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"jsonl", "csv"}))
      ->capture_default_str();
  command->add_option("--view", audit->exported.view, "Only this view")
      ->type_name("VIEW")
      ->check(CheckView);
  command->callback(
      [audit] { audit->Finish(AuditExport(audit->common, audit->options, audit->exported)); });
}

std::string CheckHeadOption(const std::string& text) {
  const auto head = CheckHead(text);
  return head ? "" : head.error().message;
}

void AddVerify(CLI::App& parent, const Shared& audit) {
  CLI::App* command =
      Add(parent, "verify", "Find out whether anybody changed the ledger", kAuditVerifyHelp);
  command->add_flag("--head", audit->verify.head_only, "Only print the last seal");
  command->add_option("--since", audit->verify.since, "A head that was kept elsewhere")
      ->type_name("HEAD")
      ->check(CheckHeadOption);
  command->add_option("--key", audit->verify.key, "File with the key of the seals")
      ->type_name("FILE");
  command->callback([audit] {
    const auto intact = AuditVerify(audit->common, audit->verify);
    *audit->exit_status = !intact ? Fail(intact.error().message) : *intact ? kOk : kTrouble;
  });
}

}  // namespace

void AddAuditCommand(CLI::App& app, const CommonOptions& options, int* exit_status) {
  const Shared audit(new AuditCommand{options, exit_status, {}, {}, {}, false, kTailRows, {}});
  CLI::App* command =
      Add(app, "audit", "Read the ledger: what was asked, answered, denied", kAuditHelp);
  command->require_subcommand(1);
  AddReport(*command, audit, &AuditSummary, "summary", "Count, and show what was denied most",
            kAuditSummaryHelp);
  AddListReport(*command, audit, &AuditQueries, "queries", "The latest queries", kAuditQueriesHelp);
  AddListReport(*command, audit, &AuditConnections, "connections", "The latest connections",
                kAuditConnectionsHelp);
  AddListReport(*command, audit, &AuditDenied, "denied",
                "What was denied, and the rule that would allow it", kAuditDeniedHelp);
  AddTail(*command, audit);
  AddExport(*command, audit);
  AddSql(*command, audit);
  AddVerify(*command, audit);
}

}  // namespace namegate::command
