#include "resolver/ledger_writer.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "common/quiet_thread.h"
#include "common/wall_clock.h"
#include "resolver/ledger_damage.h"
#include "resolver/ledger_id_counter.h"
#include "resolver/ledger_log.h"
#include "resolver/ledger_open_sessions.h"
#include "resolver/ledger_sessions.h"
#include "resolver/ledger_store.h"

namespace namegate::resolver {
namespace {

// Bounds how long the first row of a group waits for the last: some milliseconds.
constexpr size_t kMaxGroupRows = 2'000;
// A disk that damages every ledger must not be filled with them.
constexpr std::chrono::minutes kSetAsideInterval{1};

// Theory of operation. Rows go to the thread through one queue under one mutex, and it takes all
// that has gathered (up to kMaxGroupRows) into one transaction: under load groups grow and the cost
// per row falls, and an idle daemon commits at once. Only whether each row was committed comes
// back. The completions themselves never leave the loop's thread; they wait there in the order of
// their rows, which is the order of the results.
class ThreadedLedgerWriter final : public LedgerWriter {
 public:
  // What the writer is made of, in the order in which it is opened.
  struct Parts {
    std::unique_ptr<LedgerStore> store;  // null while there is none: see BeginAnew()
    IdCounter queries, connections, sessions;
    LedgerOpenSessions open_sessions;
  };

  ThreadedLedgerWriter(LedgerOptions options, Parts parts, std::function<void()> wake)
      : options_(std::move(options)),
        parts_(std::move(parts)),
        wake_(std::move(wake)),
        set_aside_(parts_.store->set_aside()) {
    thread_ = QuietThread([this] { Run(); });
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

  int64_t NextQueryId() override { return parts_.queries.Next(); }
  int64_t NextConnectionId() override { return parts_.connections.Next(); }
  int64_t NextSessionId() override { return parts_.sessions.Next(); }

  void Submit(LedgerRow row, Completion done) override {
#ifdef NAMEGATE_SEND_BEFORE_COMMIT
    // Never in what is installed: tests/crash/ proves with this that it would see the order broken.
    hasty_.push_back(std::exchange(done, [](bool) {}));
    wake_();
#endif
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
    wake_();
  }

  void RunCompletions() override {
    // A completion may submit further rows; what it adds waits for the next call.
    for (const Completion& done : std::exchange(refused_, {})) done(false);
#ifdef NAMEGATE_SEND_BEFORE_COMMIT
    for (const Completion& done : std::exchange(hasty_, {})) done(true);
#endif
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

  void SetAside(const std::string& damage) override {
    {
      const std::lock_guard lock(mutex_);
      reported_ = damage;
    }
    changed_.notify_one();
  }

  std::string trouble() const override {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

  std::string set_aside() const override {
    const std::lock_guard lock(mutex_);
    return set_aside_;
  }

 private:
  void Run() {
    std::vector<LedgerRow> group;
    while (NextGroup(group)) {
      if (const std::string damage = TakeReported(); !damage.empty()) Meet(damage);
      if (!group.empty()) {
        LedgerGroupWriter::Outcome outcome = Commit(group);
        if (outcome.damaged) {
          outcome.trouble = BeginAnew(outcome.trouble);
          outcome.ledger_failed = !outcome.trouble.empty();
        }
        Finish(outcome);
      }
      Tidy();
    }
  }

  void Tidy() {
    if (!parts_.store) return;
    if (auto tidied = parts_.store->Tidy(); !tidied) Meet(tidied.error().message);
  }

  // Damage that no group has met.
  void Meet(const std::string& damage) {
    LedgerGroupWriter::Outcome outcome{{}, BeginAnew(damage), false, true};
    outcome.ledger_failed = !outcome.trouble.empty();
    Finish(outcome);
  }

  std::string TakeReported() {
    const std::lock_guard lock(mutex_);
    return std::exchange(reported_, "");
  }

  LedgerGroupWriter::Outcome Commit(std::span<const LedgerRow> group) {
    if (!parts_.store) {
      return {std::vector<bool>(group.size(), false), damage_, true, true};
    }
    auto outcome = parts_.store->groups().Commit(group);
    parts_.open_sessions.Note(group, outcome.committed);
    if (!outcome.ledger_failed) log_.Committed(group, parts_.store->groups().head());
    return outcome;
  }

  // The rows of the group that met the damage have failed; those after it find a new ledger, in
  // which the sessions that are open are opened again. Tried again from time to time. Gives what is
  // wrong then: nothing, or `trouble` and perhaps more.
  std::string BeginAnew(const std::string& trouble) {
    const auto now = std::chrono::steady_clock::now();
    if (begun_anew_ && now - *begun_anew_ < kSetAsideInterval) return trouble;
    begun_anew_ = now;
    if (parts_.store) {
      damage_ = trouble + "; its last seal is " + parts_.store->groups().head();
      parts_.store->Abandon();
      parts_.store.reset();
    }
    auto begun = LedgerStore::BeginAnew(options_, damage_, parts_.open_sessions.rows());
    if (!begun) return trouble + "; " + begun.error().message;
    parts_.store = *std::move(begun);
    const std::lock_guard lock(mutex_);
    set_aside_ = parts_.store->set_aside();
    return "";
  }

  // Waits for rows, or, with none, until the store has something to do. False when there are none
  // and the writer is to stop.
  bool NextGroup(std::vector<LedgerRow>& group) {
    group.clear();  // what rows share with the loop is free while there is nothing to do
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return !queue_.empty() || !reported_.empty() || stopping_; };
    const auto due = parts_.store ? parts_.store->next_due() : std::nullopt;
    if (due) {
      changed_.wait_until(lock, *due, ready);
    } else {
      changed_.wait(lock, ready);
    }
    if (queue_.empty() && stopping_) return false;
    const size_t size = std::min(queue_.size(), kMaxGroupRows);
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(size);
    group.assign(std::move_iterator(queue_.begin()), std::move_iterator(end));
    queue_.erase(queue_.begin(), end);
    return true;
  }

  void Finish(const LedgerGroupWriter::Outcome& outcome) {
    if (!outcome.trouble.empty()) log_.Trouble(outcome);
    {
      const std::lock_guard lock(mutex_);
      results_.insert(results_.end(), outcome.committed.begin(), outcome.committed.end());
      trouble_ = outcome.ledger_failed ? outcome.trouble : "";
    }
    wake_();
  }

  const LedgerOptions options_;
  Parts parts_;  // its counters are the loop's thread's, the rest the writer's
  const std::function<void()> wake_;
  // The loop's thread only.
  std::deque<Completion> completions_;
  std::vector<Completion> refused_;
#ifdef NAMEGATE_SEND_BEFORE_COMMIT
  std::vector<Completion> hasty_;
#endif
  // The writer's thread only.
  LedgerLog log_;
  std::string damage_;
  std::optional<std::chrono::steady_clock::time_point> begun_anew_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<LedgerRow> queue_;  // guarded by mutex_, as the rest
  std::vector<bool> results_;
  std::string reported_;
  std::string trouble_;
  std::string set_aside_;
  bool stopping_ = false;
  std::thread thread_;
};

using Parts = ThreadedLedgerWriter::Parts;

Result<Parts> PartsOf(std::unique_ptr<LedgerStore> store, const std::string& path) {
  auto queries = IdCounter::After(store->database(), "query_id", "query");
  if (!queries) return queries.error();
  auto connections = IdCounter::After(store->database(), "connection_id", "connection");
  if (!connections) return connections.error();
  auto sessions = IdCounter::After(store->database(), "session_id", "session");
  if (!sessions) return sessions.error();
  auto open_sessions = LedgerOpenSessions::Read(path);
  if (!open_sessions) return open_sessions.error();
  // Not needed here, but by the daemon later, when there is no way back: it is read for the damage
  // that it may show.
  if (auto read = ReadOpenConnections(path); !read) return read.error();
  return Parts{std::move(store), *queries, *connections, *sessions, *std::move(open_sessions)};
}

Result<Parts> OpenParts(const LedgerOptions& options) {
  auto store = LedgerStore::Open(options);
  if (!store) return store.error();
  return PartsOf(*std::move(store), options.path);
}

// The sessions that a damaged ledger held are not taken over: what it says of their policies is not
// to be relied on.
Result<Parts> OpenOrBeginAnew(const LedgerOptions& options) {
  std::string damage = "its file is empty or gone, its log is not";
  if (!IsBeingSetAside(options.path) && !HasLostItsBeginning(options.path)) {
    auto parts = OpenParts(options);
    if (parts || !IsDamagedLedger(options.path)) return parts;
    damage = parts.error().message;
  }
  auto store = LedgerStore::BeginAnew(options, damage, {});
  if (!store) return store.error();
  return PartsOf(*std::move(store), options.path);
}

}  // namespace

Result<std::unique_ptr<LedgerWriter>> LedgerWriter::Open(const std::string& path,
                                                         Durability durability,
                                                         std::function<void()> wake,
                                                         std::optional<SealKey> key,
                                                         const Retention& retention) {
  LedgerOptions options{path, durability, std::move(key), retention};
  auto parts = OpenOrBeginAnew(options);
  if (!parts) return parts.error();
  return std::unique_ptr<LedgerWriter>(
      new ThreadedLedgerWriter(std::move(options), *std::move(parts), std::move(wake)));
}

}  // namespace namegate::resolver
