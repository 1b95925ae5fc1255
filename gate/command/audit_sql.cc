#include "gate/command/audit_sql.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <iterator>

#include "common/escape.h"
#include "common/iso_time.h"
#include "common/wall_clock.h"
#include "gate/command/audit_printer.h"
#include "gate/command/audit_reports.h"
#include "schema/schema.h"

namespace namegate::command {
namespace {

constexpr int kStepsBetweenLooks = 10'000;  // some 100 µs
constexpr int kMaxValueBytes = 64 << 20;    // one value
constexpr int kMaxSqlBytes = 1'000'000;

// PRAGMAs that show how the ledger is made up; all others are refused.
bool IsHarmlessPragma(std::string_view name) {
  constexpr auto kHarmless = std::to_array<std::string_view>(
      {"table_list", "table_info", "table_xinfo", "index_list", "index_info", "index_xinfo",
       "foreign_key_list", "foreign_key_check", "integrity_check", "quick_check"});
  return std::find(kHarmless.begin(), kHarmless.end(), name) != kHarmless.end();
}

// Comments may follow the statement, another statement may not.
Result<bool> HoldsAnother(Database& ledger, std::string_view sql) {
  while (!sql.empty()) {
    std::string_view rest;
    auto next = ledger.Prepare(sql, &rest);
    if (!next) return next.error();
    if (next->handle() != nullptr) return true;
    if (rest.size() == sql.size()) break;
    sql = rest;
  }
  return false;
}

std::string StandardInput() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

// "-- What did each session reach? One row …": the question.
std::string_view QuestionOf(const schema::ReadyQuery& query) {
  const std::string_view comment = query.sql.substr(std::string_view("-- ").size());
  return comment.substr(0, comment.find_first_of("?\n:") + 1);
}

bool LooksAtRows(const schema::ReadyQuery& query) {
  return query.sql.find(":recent_") != std::string_view::npos;
}

// Most look at rows one by one: then only at the latest, and the asker is told.
Result<void> SayLatest(Database& ledger, const schema::ReadyQuery& ready, int64_t queries,
                       AuditFilter& filter) {
  if (!LooksAtRows(ready)) return {};
  auto from_us = filter.NarrowToLatest(ledger, queries);
  if (!from_us) return from_us.error();
  if (!*from_us) return {};
  std::cerr << "namegate: this is about what was recorded since " << IsoTime(**from_us)
            << "; for the whole ledger: --latest 0\n";
  return {};
}

}  // namespace

const schema::ReadyQuery* FindReady(const std::string& name) {
  for (const schema::ReadyQuery& query : schema::ReadyQueries()) {
    if (query.name == name) return &query;
  }
  return nullptr;
}

std::string ReadyHelp() {
  std::string text =
      "\n\nReady questions, for --ready. --session and --since narrow them; without these, those "
      "that"
      "\nlook at rows one by one (*) look at the latest only (--latest):\n";
  for (const schema::ReadyQuery& query : schema::ReadyQueries()) {
    std::string name(query.name);
    if (LooksAtRows(query)) name += " *";
    name.resize(std::max<size_t>(name.size(), 17), ' ');
    std::string question(QuestionOf(query));
    std::replace(question.begin(), question.end(), '\n', ' ');
    text.append("  ").append(name).append(" ").append(question).append("\n");
  }
  text.pop_back();
  return text;
}

std::string CheckReady(const std::string& name) {
  std::string names;
  for (const schema::ReadyQuery& query : schema::ReadyQueries()) {
    if (query.name == name) return "";
    names += (names.empty() ? "" : ", ") + std::string(query.name);
  }
  return "there is no ready question '" + Printable(name) + "'; choose one of " + names;
}

Result<void> AuditSql(const CommonOptions& common, const AuditOptions& filter,
                      const SqlOptions& options) {
  auto ledger = OpenLedger(common);
  if (!ledger) return ledger.error();
  auto resolved = AuditFilter::Resolve(*ledger, filter, NowMicroseconds());
  if (!resolved) return resolved.error();
  const schema::ReadyQuery* ready = FindReady(options.ready);
  if (ready != nullptr) {
    if (auto said = SayLatest(*ledger, *ready, options.latest, *resolved); !said) return said;
  }
  SqlSandbox sandbox(*ledger, std::chrono::seconds(options.time_limit_s));
  auto statement = sandbox.Prepare(ready != nullptr     ? std::string(ready->sql)
                                   : options.sql == "-" ? StandardInput()
                                                        : options.sql);
  if (!statement) return statement.error();
  resolved->Bind(*statement);
  auto rows =
      PrintRows(*statement, FormatOf(common.json), [&] { return sandbox.Step(*statement); });
  if (!rows) return sandbox.Explain(rows.error());
  return {};
}

SqlSandbox::SqlSandbox(Database& ledger, std::chrono::seconds limit)
    : ledger_(ledger), limit_(limit) {
  // SQLite makes this function's table when it is first named, which Authorize() would forbid.
  static_cast<void>(ledger.Prepare("SELECT value FROM json_each('[]')"));
  sqlite3_set_authorizer(ledger.handle(), &Authorize, nullptr);
  sqlite3_progress_handler(ledger.handle(), kStepsBetweenLooks, &Interrupt, this);
  sqlite3_limit(ledger.handle(), SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(ledger.handle(), SQLITE_LIMIT_SQL_LENGTH, kMaxSqlBytes);
}

SqlSandbox::~SqlSandbox() { sqlite3_progress_handler(ledger_.handle(), 0, nullptr, nullptr); }

Result<Statement> SqlSandbox::Prepare(std::string_view sql) {
  deadline_ = std::chrono::steady_clock::now() + limit_;
  watch_.emplace(deadline_, Stopped());
  std::string_view rest;
  auto statement = ledger_.Prepare(sql, &rest);
  if (!statement) return Explain(statement.error());
  if (statement->handle() == nullptr) {
    return Error{"there is no SQL to run; give one SELECT, such as 'SELECT * FROM denials'"};
  }
  auto another = HoldsAnother(ledger_, rest);
  if (!another || *another) {
    return Error{"one statement at a time; put what follows the semicolon into a second call"};
  }
  return statement;
}

Result<bool> SqlSandbox::Step(Statement& statement) {
  watch_->Enter();
  auto more = statement.Step();
  watch_->Leave();
  return more;
}

std::string SqlSandbox::Stopped() const {
  return "stopped after " + std::to_string(limit_.count()) +
         " s; narrow it with WHERE or LIMIT, or raise --time-limit";
}

Error SqlSandbox::Explain(const Error& error) const {
  switch (sqlite3_errcode(ledger_.handle())) {
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return Error{error.message + "; only queries are run here, and they change nothing"};
    case SQLITE_INTERRUPT:
      return Error{Stopped()};
    case SQLITE_ERROR:
      return Error{error.message + "; for the views and columns: namegate audit sql --help"};
    default:
      return error;
  }
}

int SqlSandbox::Authorize(void*, int action, const char* first, const char* second, const char*,
                          const char*) {
  const std::string_view object = first == nullptr ? "" : first;
  const std::string_view detail = second == nullptr ? "" : second;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ:
      // The right to connect as that session; results are passed around more freely than ledgers.
      return object == "session" && detail == "token" ? SQLITE_IGNORE : SQLITE_OK;
    case SQLITE_FUNCTION:
      return detail == "load_extension" || detail == "fts3_tokenizer" ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
      return IsHarmlessPragma(object) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

int SqlSandbox::Interrupt(void* self) {
  return std::chrono::steady_clock::now() > static_cast<SqlSandbox*>(self)->deadline_ ? 1 : 0;
}

}  // namespace namegate::command
