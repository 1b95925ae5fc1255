// What recording costs: CPU time of the writer per row at several group sizes, and bytes per query
// when a million queries ask for ten thousand names. Not a test; nothing here fails on a slow
// machine. Run it as: ledger_bench [DIRECTORY]

#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>

#include "resolver/ledger_writer.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace namegate;            // NOLINT: a program of one file
using namespace namegate::resolver;  // NOLINT

constexpr int kNames = 10'000;

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

// Wakes the thread that submits, as the event loop would be.
class Gate {
 public:
  void Wake() {
    const std::lock_guard lock(mutex_);
    awake_ = true;
    changed_.notify_one();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return awake_; });
    awake_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool awake_ = false;
};

// A stream of queries as a busy host makes them: few names asked often, most asked seldom.
class Traffic {
 public:
  explicit Traffic(bool answers_vary) : answers_vary_(answers_vary) {
    for (int i = 0; i < kNames; ++i) {
      names_.push_back(
          DomainName::FromText("host" + std::to_string(i) + ".department.example.com").value());
      answers_.push_back(Fetch(static_cast<size_t>(i)));
    }
  }

  QueryRow Next(LedgerWriter& ledger) {
    const double uniform = std::uniform_real_distribution<>(0, 1)(random_);
    const auto which = static_cast<size_t>(std::pow(kNames, uniform)) % kNames;
    const bool fetched = random_() % 10 == 0;  // nine of ten come from the cache
    if (fetched && answers_vary_) answers_[which] = Fetch(which);
    QueryRow row;
    row.id = ledger.NextQueryId();
    row.time_us = time_us_ += 50;
    row.session = 1 + static_cast<int64_t>(random_() % 20);
    row.client = {IpAddress::V4(127, 0, 0, 1), static_cast<uint16_t>(32'768 + random_() % 28'000)};
    row.qname = names_[which];
    row.qtype = 1;
    row.qclass = 1;
    row.verdict = Verdict::kAllow;
    row.reason = Reason::kRule;
    row.rule = "**.example.com:443";
    row.source = fetched ? Source::kUpstream : Source::kCache;
    row.duration_us = static_cast<int64_t>(fetched ? 5000 + random_() % 20'000 : random_() % 200);
    row.answer = answers_[which];
    row.answer_age_s = fetched ? 0 : static_cast<uint32_t>(random_() % 300);
    return row;
  }

 private:
  // A CNAME and two addresses; their TTLs are what an upstream's cache had left, if they vary.
  std::shared_ptr<const AnswerSet> Fetch(size_t which) {
    const auto ttl = static_cast<uint32_t>(answers_vary_ ? 1 + random_() % 300 : 300);
    const DomainName target =
        DomainName::FromText("edge" + std::to_string(which) + ".cdn.example.net").value();
    const auto address = [&](int last) {
      return std::string{'\xc6', '\x33', static_cast<char>(which % 256), static_cast<char>(last)};
    };
    return std::make_shared<const AnswerSet>(AnswerSet{
        {names_[which], 5, ttl, std::string(target.wire())},
        {target, 1, ttl, address(1)},
        {target, 1, ttl, address(2)},
    });
  }

  bool answers_vary_;
  std::mt19937 random_{42};  // the same traffic every time
  int64_t time_us_ = 1'800'000'000'000'000;
  std::vector<DomainName> names_;
  std::vector<std::shared_ptr<const AnswerSet>> answers_;
};

struct Bench {
  explicit Bench(const std::string& file, bool answers_vary) : path(file), traffic(answers_vary) {
    auto opened = LedgerWriter::Open(path, Durability::kProcess, [this] { gate.Wake(); });
    if (!opened) {
      std::fprintf(stderr, "%s\n", opened.error().message.c_str());
      std::exit(1);
    }
    ledger = *std::move(opened);
  }

  // `rows` rows, `together` at a time, each lot waited for.
  void Write(int rows, int together) {
    for (int done = 0; done < rows; done += together) {
      for (int i = 0; i < together; ++i) {
        ledger->Submit(traffic.Next(*ledger), [this](bool ok) { failed += ok ? 0 : 1; });
      }
      while (ledger->pending() > 0) {
        gate.Wait();
        ledger->RunCompletions();
      }
    }
  }

  std::string path;
  Gate gate;
  Traffic traffic;
  int failed = 0;
  std::unique_ptr<LedgerWriter> ledger;  // last: its thread uses the others
};

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

void MeasureSize(const std::string& directory, bool answers_vary) {
  constexpr int kRows = 1'000'000;
  const std::string path = directory + (answers_vary ? "/vary.db" : "/same.db");
  {
    Bench bench(path, answers_vary);
    bench.Write(kRows, 500);
  }
  const auto bytes = static_cast<double>(std::filesystem::file_size(path));
  std::printf("A million queries, %d names, %s: %.1f MB, %.1f bytes per query\n", kNames,
              answers_vary ? "every tenth with an answer of new TTLs" : "answers that repeat",
              bytes / 1e6, bytes / kRows);
}

}  // namespace

int main(int argc, char** argv) {
  const testing::TempDir temporary;
  const std::string directory = argc > 1 ? argv[1] : temporary.path();
  MeasureGroups(directory);
  MeasureSize(directory, false);
  MeasureSize(directory, true);
  return 0;
}
