// What recording costs: CPU time of the writer per row at several group sizes, and bytes per query
// when a million queries ask for ten thousand names. Not a test; nothing here fails on a slow
// machine. Run it as: ledger_bench [DIRECTORY]

#include <sys/resource.h>

#include <chrono>
#include <filesystem>

#include "tests/bench/ledger_traffic.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace namegate;         // NOLINT: a program of one file
using namespace namegate::bench;  // NOLINT

double CpuSeconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Of the ledger's threads: of the process without the thread that asks.
double LedgerCpuSeconds() { return CpuSeconds(RUSAGE_SELF) - CpuSeconds(RUSAGE_THREAD); }

void MeasureGroups(const std::string& directory) {
  std::printf("CPU time of the ledger's threads and wall time, per query row:\n");
  for (const int together : {1, 20, 1000}) {
    Bench bench(directory + "/group" + std::to_string(together) + ".db", false);
    bench.Write(50'000, 1000);  // past the first sight of most names
    const int rows = together == 1 ? 50'000 : 400'000;
    const double cpu = LedgerCpuSeconds();
    const auto start = std::chrono::steady_clock::now();
    bench.Write(rows, together);
    const double wall =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("  %4d together: %6.2f us CPU, %6.2f us wall%s\n", together,
                (LedgerCpuSeconds() - cpu) / rows * 1e6, wall / rows * 1e6,
                bench.failed > 0 ? " (rows failed!)" : "");
  }
}

void MeasureSize(const std::string& directory, bool answers_vary, int rows, int together) {
  const std::string path =
      directory + "/size" + std::to_string(together) + (answers_vary ? "v" : "");
  {
    Bench bench(path, answers_vary);
    bench.Write(rows, together);
  }
  const auto bytes = static_cast<double>(std::filesystem::file_size(path));
  std::printf("%7d queries, %d names, %s, %d together: %.1f MB, %.1f bytes per query\n", rows,
              kNames, answers_vary ? "every tenth with new TTLs" : "answers that repeat", together,
              bytes / 1e6, bytes / rows);
}

}  // namespace

int main(int argc, char** argv) {
  const testing::TempDir temporary;
  const std::string directory = argc > 1 ? argv[1] : temporary.path();
  MeasureGroups(directory);
  MeasureSize(directory, false, 1'000'000, 500);
  MeasureSize(directory, true, 1'000'000, 500);
  MeasureSize(directory, false, 1'000'000, 20);
  MeasureSize(directory, false, 1'000'000, 1);
  return 0;
}
