// How long the ready questions and a verification take on a large ledger, of which a fifth are
// connections. Run it as: ledger_questions [ROWS [DIRECTORY]]; ten million rows take half a
// gigabyte. With a directory that has the ledger already, it is asked as it is.

#include <chrono>
#include <ctime>
#include <filesystem>

#include "common/ledger_reader.h"
#include "common/ledger_verifier.h"
#include "schema/schema.h"
#include "tests/bench/ledger_traffic.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace namegate;         // NOLINT: a program of one file
using namespace namegate::bench;  // NOLINT
using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

void Fill(const std::string& path, int64_t rows) {
  Bench bench(path, true);
  for (int session = 1; session <= 20; ++session) {
    SessionOpenedRow row;
    row.session = bench.ledger->NextSessionId();
    row.label = "session";
    row.gate = "preload";
    row.policy = "**.example.com:443\nunused.example:443\n";
    bench.ledger->Submit(row, [](bool) {});
  }
  for (int64_t done = 0; done < rows;) {
    for (int i = 0; i < 200; ++i, done += 5) {
      QueryRow query;
      for (int j = 0; j < 4; ++j) {
        query = bench.traffic.Next(*bench.ledger);
        if (j == 0) {  // one of four is refused
          query.verdict = Verdict::kDeny;
          query.reason = Reason::kNotAllowed;
          query.rule.clear();
          query.rcode = 3;
          query.answer.reset();
        }
        bench.ledger->Submit(query, [](bool) {});
      }
      const ConnectionRow connection = bench.traffic.NextConnection(*bench.ledger, query);
      bench.ledger->Submit(connection, [](bool) {});
      if (connection.verdict == Verdict::kDeny) continue;
      bench.ledger->Submit(
          ConnectionEndedRow{connection.id, connection.time_us, {{1000, 9000}}, Ending::kClosed},
          [](bool) {});
    }
    while (bench.ledger->pending() > 0) {
      bench.gate.Wait();
      bench.ledger->RunCompletions();
    }
  }
}

int64_t Number(Database& ledger, const char* sql) {
  const auto number = ledger.QueryInteger(sql);
  return number ? *number : 0;
}

// One answer, with one of the parameters given, if it is above 0.
struct Narrowed {
  const char* how;
  int64_t session = 0;
  int64_t query = 0;  // the latest behind these ids
  int64_t connection = 0;
};

void Ask(Database& ledger, const schema::ReadyQuery& query, const Narrowed& to) {
  auto select = ledger.Prepare(query.sql);
  if (!select) return;
  const auto bind = [&](const char* name, int64_t value) {
    const int parameter = sqlite3_bind_parameter_index(select->handle(), name);
    if (parameter != 0 && value > 0) select->Bind(parameter, value);
  };
  bind(":session", to.session);
  bind(":recent_query", to.query);
  bind(":recent_connection", to.connection);
  const auto begun = Clock::now();
  const std::clock_t cpu = std::clock();
  int64_t rows = 0;
  for (auto row = select->Step(); row && *row; row = select->Step()) ++rows;
  std::printf("  %-18s %-14s %8.3f s, %.3f of it CPU  %lld rows\n", std::string(query.name).c_str(),
              to.how, SecondsSince(begun), static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC,
              static_cast<long long>(rows));
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t rows = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
  const testing::TempDir temporary;
  const std::string path = (argc > 2 ? argv[2] : temporary.path()) + "/ledger.db";
  if (!std::filesystem::exists(path)) Fill(path, rows);
  auto ledger = OpenLedgerToRead(path);
  if (!ledger) return 1;
  std::printf("%lld rows, %.0f MB:\n", static_cast<long long>(rows),
              static_cast<double>(std::filesystem::file_size(path)) / 1e6);
  const int64_t queries = Number(*ledger, "SELECT max(query_id) FROM query");
  const int64_t connections = Number(*ledger, "SELECT max(connection_id) FROM connection");
  for (const schema::ReadyQuery& query : schema::ReadyQueries()) {
    Ask(*ledger, query, {"as asked", 0, queries - 500'000, connections - 50'000});
    Ask(*ledger, query, {"of one session", 7});
    Ask(*ledger, query, {"of all"});
  }
  const auto begun = Clock::now();
  auto verified = VerifyLedger(*ledger, std::nullopt, std::nullopt);
  if (!verified) return 1;
  const double seconds = SecondsSince(begun);
  std::printf("  verify: %llu rows in %.1f s, %.0f thousand a second, %llu findings\n",
              static_cast<unsigned long long>(verified->rows), seconds,
              static_cast<double>(verified->rows) / seconds / 1e3,
              static_cast<unsigned long long>(verified->finding_count));
  return 0;
}
