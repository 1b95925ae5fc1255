// How long a row waits for its commit at 20,000 rows a second: beside checkpoints, while old rows
// are removed, while an auditor reads everything, and when one has ended that made the log long.
// Printed, not judged: where other programs want the cores, so does the loop of this one, and how
// late that was is printed beside it. Run it as: ledger_stalls [DIRECTORY]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "common/sqlite.h"
#include "tests/bench/ledger_traffic.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace namegate;         // NOLINT: a program of one file
using namespace namegate::bench;  // NOLINT
using Clock = std::chrono::steady_clock;

constexpr int kRowsPerTick = 20;
constexpr std::chrono::milliseconds kTick{1};
constexpr std::chrono::seconds kDuration{8};
constexpr std::chrono::seconds kPatience{120};  // of a removal's check

double Milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void Run(const char* name, Bench& bench) {
  std::vector<double> waits;
  Clock::duration late{0};
  const auto begun = Clock::now();
  for (auto due = begun; due < begun + kDuration; due += kTick) {
    std::this_thread::sleep_until(due);
    bench.ledger->RunCompletions();
    late = std::max(late, Clock::now() - due);
    for (int i = 0; i < kRowsPerTick; ++i) {
      const auto submitted = Clock::now();
      bench.ledger->Submit(bench.traffic.Next(*bench.ledger), [&waits, submitted](bool) {
        waits.push_back(Milliseconds(Clock::now() - submitted));
      });
    }
  }
  while (bench.ledger->pending() > 0) {
    bench.gate.Wait();
    bench.ledger->RunCompletions();
  }
  std::sort(waits.begin(), waits.end());
  std::printf("%-28s %8.0f %10.1f %10.1f %10.1f %14.1f\n", name,
              static_cast<double>(waits.size()) / std::chrono::duration<double>(kDuration).count(),
              waits[waits.size() / 2], waits[waits.size() * 999 / 1000], waits.back(),
              Milliseconds(late));
}

// Reads all of it again and again, each time in one transaction.
void Audit(const std::string& path, const std::atomic<bool>& stop) {
  auto ledger = Database::Open(path, Database::Mode::kReadOnly);
  while (ledger && !stop) {
    static_cast<void>(ledger->QueryInteger(
        "SELECT count(*) FROM queries WHERE qname LIKE '%9.department.example.com'"));
  }
}

int64_t Number(const std::string& path, const char* sql) {
  auto ledger = Database::Open(path, Database::Mode::kReadOnly);
  if (!ledger) return 0;
  const auto number = ledger->QueryInteger(sql);
  return number ? *number : 0;
}

int64_t Removed(const std::string& path) {
  return Number(path,
                "SELECT coalesce((SELECT sum(queries) FROM removals), 0)"
                " + coalesce((SELECT sum(queries) FROM removal_progress), 0)");
}

}  // namespace

int main(int argc, char** argv) {
  const testing::TempDir temporary;
  const std::string path = (argc > 1 ? argv[1] : temporary.path()) + "/stalls.db";
  std::printf(
      "Wait for a commit, in ms       rows/s     median      99.9%%    longest  loop was late\n");
  {
    Bench bench(path, false);
    Run("an empty ledger, checkpoints", bench);
    bench.Write(1'000'000, 1'000);
    Run("a million rows, checkpoints", bench);
    std::atomic<bool> stop{false};
    std::thread auditor([&] { Audit(path, stop); });
    Run("while an auditor reads", bench);
    stop = true;
    auditor.join();
    {
      auto reader = Database::Open(path, Database::Mode::kReadOnly);
      if (!reader || !reader->Execute("BEGIN; SELECT count(*) FROM query WHERE query_id = 1"))
        return 1;
      bench.Write(1'000'000, 20);  // a log of several hundred MiB
      std::printf("the log of a long reader: %.0f MiB\n",
                  static_cast<double>(std::filesystem::file_size(path + "-wal")) / (1 << 20));
    }
    Run("when a long reader has ended", bench);
  }
  Retention retention;
  retention.keep = std::chrono::microseconds(1);
  Bench bench(path, false, retention);
  Run("while a removal checks", bench);
  // Until rows go it holds them against their seals.
  const auto deadline = Clock::now() + kPatience;
  while (Removed(path) == 0 && Clock::now() < deadline) std::this_thread::sleep_for(kTick);
  const int64_t before = Removed(path);
  Run("while a removal removes", bench);
  std::printf("removed meanwhile: %lld rows\n", static_cast<long long>(Removed(path) - before));
  return 0;
}
