#include "resolver/ledger_writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "resolver/ledger_checkpointer.h"
#include "resolver/ledger_file.h"
#include "resolver/ledger_group.h"

namespace namegate::resolver {
namespace {

// Bounds how long the first row of a group waits for the last: some milliseconds.
constexpr size_t kMaxGroupRows = 2'000;
constexpr std::chrono::minutes kLogInterval{1};
constexpr std::chrono::hours kHeadInterval{24};

int64_t NowUs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

// Hands out ids, one after the other.
class IdCounter {
 public:
  static Result<IdCounter> After(Database& database, const std::string& id,
                                 const std::string& table) {
    auto highest = database.QueryInteger("SELECT coalesce(max(" + id + "), 0) FROM " + table);
    if (!highest) return highest.error();
    return IdCounter(*highest);
  }
  int64_t Next() { return ++last_; }

 private:
  explicit IdCounter(int64_t last) : last_(last) {}
  int64_t last_;
};

// Theory of operation. Rows go to the thread through one queue under one mutex, and it takes all
// that has gathered (up to kMaxGroupRows) into one transaction: under load groups grow and the cost
// per row falls, and an idle daemon commits at once. Only whether each row was committed comes
// back. The completions themselves never leave the loop's thread; they wait there in the order of
// their rows, which is the order of the results.
class ThreadedLedgerWriter final : public LedgerWriter {
 public:
  // What the writer is made of, in the order in which it is opened.
  struct Parts {
    Database database;
    std::unique_ptr<LedgerGroupWriter> groups;
    std::unique_ptr<LedgerCheckpointer> checkpointer;
    IdCounter queries, connections, sessions;
    std::function<void()> wake;
  };

  explicit ThreadedLedgerWriter(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
    sqlite3_wal_hook(parts_->database.handle(), &NoteLogLength, &log_pages_);
    thread_ = std::thread([this] { Run(); });
  }
  ThreadedLedgerWriter(const ThreadedLedgerWriter&) = delete;
  ThreadedLedgerWriter& operator=(const ThreadedLedgerWriter&) = delete;
  ~ThreadedLedgerWriter() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  int64_t NextQueryId() override { return parts_->queries.Next(); }
  int64_t NextConnectionId() override { return parts_->connections.Next(); }
  int64_t NextSessionId() override { return parts_->sessions.Next(); }

  void Submit(LedgerRow row, Completion done) override {
    {
      const std::lock_guard lock(mutex_);
      if (queue_.size() < kMaxWaitingRows) {
        queue_.push_back(std::move(row));
        completions_.push_back(std::move(done));
        if (queue_.size() == 1) changed_.notify_one();  // else it knows
        return;
      }
    }
    refused_.push_back(std::move(done));
    parts_->wake();
  }

  void RunCompletions() override {
    // A completion may submit further rows; what it adds waits for the next call.
    for (const Completion& done : std::exchange(refused_, {})) done(false);
    std::vector<bool> results;
    {
      const std::lock_guard lock(mutex_);
      results.swap(results_);
    }
    for (const bool committed : results) {
      const Completion done = std::move(completions_.front());
      completions_.pop_front();
      done(committed);
    }
  }

  size_t pending() const override { return completions_.size() + refused_.size(); }

  std::string trouble() const override {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

 private:
  // sqlite3_wal_hook: runs within each COMMIT.
  static int NoteLogLength(void* log_pages, sqlite3*, const char*, int pages) {
    *static_cast<int*>(log_pages) = pages;
    return SQLITE_OK;
  }

  void Run() {
    while (true) {
      const std::vector<LedgerRow> group = NextGroup();
      if (group.empty()) return;
      const LedgerGroupWriter::Outcome outcome = parts_->groups->Commit(group);
      LogHead(group, outcome);
      Finish(outcome);
      parts_->checkpointer->AfterCommit(parts_->database, log_pages_);
    }
  }

  // Waits for rows; empty when there are none and the writer is to stop.
  std::vector<LedgerRow> NextGroup() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !queue_.empty() || stopping_; });
    const size_t size = std::min(queue_.size(), kMaxGroupRows);
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(size);
    std::vector<LedgerRow> group(std::move_iterator(queue_.begin()), std::move_iterator(end));
    queue_.erase(queue_.begin(), end);
    return group;
  }

  void Finish(const LedgerGroupWriter::Outcome& outcome) {
    if (!outcome.trouble.empty()) Log(outcome);
    {
      const std::lock_guard lock(mutex_);
      results_.insert(results_.end(), outcome.committed.begin(), outcome.committed.end());
      trouble_ = outcome.ledger_failed ? outcome.trouble : "";
    }
    parts_->wake();
  }

  // The log is kept elsewhere than the ledger, where whoever changes the one may not reach the
  // other: when a session has ended, and once a day.
  void LogHead(const std::vector<LedgerRow>& group, const LedgerGroupWriter::Outcome& outcome) {
    if (outcome.ledger_failed) return;
    const auto now = std::chrono::steady_clock::now();
    const bool closed = std::any_of(group.begin(), group.end(), [](const LedgerRow& row) {
      return std::holds_alternative<SessionClosedRow>(row);
    });
    if (!closed && now - head_logged_ < kHeadInterval) return;
    head_logged_ = now;
    spdlog::info("the ledger's last seal is {}", parts_->groups->head());
  }

  // One line a minute of each kind, however often it goes wrong.
  void Log(const LedgerGroupWriter::Outcome& outcome) {
    auto& logged = outcome.ledger_failed ? failure_logged_ : refusal_logged_;
    const auto now = std::chrono::steady_clock::now();
    if (logged && now - *logged < kLogInterval) return;
    logged = now;
    if (outcome.ledger_failed) {
      spdlog::error("the ledger cannot be written, so nothing is answered or let through: {}",
                    outcome.trouble);
    } else {
      spdlog::error("the ledger refused a row, which was not answered or let through: {}",
                    outcome.trouble);
    }
  }

  const std::unique_ptr<Parts> parts_;
  // The loop's thread only.
  std::deque<Completion> completions_;
  std::vector<Completion> refused_;
  // The writer's thread only.
  int log_pages_ = 0;
  std::chrono::steady_clock::time_point head_logged_ = std::chrono::steady_clock::now();
  std::optional<std::chrono::steady_clock::time_point> failure_logged_;
  std::optional<std::chrono::steady_clock::time_point> refusal_logged_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<LedgerRow> queue_;  // guarded by mutex_, as the rest
  std::vector<bool> results_;
  std::string trouble_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<LedgerWriter>> LedgerWriter::Open(const std::string& path,
                                                         Durability durability,
                                                         std::function<void()> wake,
                                                         std::optional<SealKey> key) {
  auto database = OpenLedgerFile(path, durability);
  if (!database) return database.error();
  auto queries = IdCounter::After(*database, "query_id", "query");
  if (!queries) return queries.error();
  auto connections = IdCounter::After(*database, "connection_id", "connection");
  if (!connections) return connections.error();
  auto sessions = IdCounter::After(*database, "session_id", "session");
  if (!sessions) return sessions.error();
  auto checkpointer = LedgerCheckpointer::Start(path, durability);
  if (!checkpointer) return checkpointer.error();
  // The group writer refers to the database, which therefore moves to its place first.
  auto parts = std::make_unique<ThreadedLedgerWriter::Parts>(
      ThreadedLedgerWriter::Parts{*std::move(database), nullptr, *std::move(checkpointer), *queries,
                                  *connections, *sessions, std::move(wake)});
  auto groups = LedgerGroupWriter::Create(parts->database, std::move(key));
  if (!groups) return groups.error();
  parts->groups = *std::move(groups);
  if (auto closed = parts->groups->CloseOwnedSessions(NowUs(), "owner-gone"); !closed) {
    return Error{"close the sessions whose owners are gone: " + closed.error().message};
  }
  return std::unique_ptr<LedgerWriter>(new ThreadedLedgerWriter(std::move(parts)));
}

}  // namespace namegate::resolver
