#include "resolver/ledger_store.h"

#include <utility>
#include <vector>

#include "common/escape.h"
#include "common/wall_clock.h"
#include "resolver/ledger_damage.h"
#include "resolver/ledger_file.h"
#include "resolver/log.h"

namespace namegate::resolver {

Result<std::unique_ptr<LedgerStore>> LedgerStore::Open(const LedgerOptions& options) {
  std::unique_ptr<LedgerStore> store(new LedgerStore);
  auto database = OpenLedgerFile(options.path, options.durability);
  if (!database) return database.error();
  store->database_ = *std::move(database);
  auto checkpointer = LedgerCheckpointer::Start(options.path, options.durability);
  if (!checkpointer) return checkpointer.error();
  store->checkpointer_ = *std::move(checkpointer);
  auto groups = LedgerGroupWriter::Create(store->database_, options.key);
  if (!groups) return groups.error();
  store->groups_ = *std::move(groups);
  if (options.retention.wanted()) {
    store->retention_ =
        std::make_unique<LedgerRetention>(store->database_, *store->groups_, options.retention);
  }
  if (auto read = store->ReadNotice(); !read) return read.error();
  sqlite3_wal_hook(store->database_.handle(), &NoteLogLength, &store->log_pages_);
  return store;
}

Result<std::unique_ptr<LedgerStore>> LedgerStore::BeginAnew(const LedgerOptions& options,
                                                            const std::string& what,
                                                            std::span<const LedgerRow> rows) {
  const int64_t now_us = NowMicroseconds();
  const auto text = SetLedgerAside(options.path, what, now_us);
  if (!text) return text.error();
  auto store = Open(options);
  if (!store) return store;
  // Unless it was broken off after that.
  if ((*store)->set_aside_ != Printable(*text)) {
    if (auto said = (*store)->SaySetAside(*text, now_us, rows); !said) return said.error();
  }
  if (auto finished = FinishSettingAside(options.path); !finished) return finished.error();
  LogError(*text + "; a new one is begun");
  return store;
}

Result<void> LedgerStore::SaySetAside(const std::string& text, int64_t now_us,
                                      std::span<const LedgerRow> rows) {
  std::vector<LedgerRow> group = {
      NoticeRow{now_us, "set-aside", text},
      NoticeRow{now_us, "begun", "this ledger was begun in place of the damaged one"}};
  group.insert(group.end(), rows.begin(), rows.end());
  const auto outcome = groups_->Commit(group);
  if (!outcome.trouble.empty()) return Error{"begin a new ledger: " + outcome.trouble};
  set_aside_ = text;
  return {};
}

Result<void> LedgerStore::ReadNotice() {
  auto last = database_.Prepare(
      "SELECT text FROM notice WHERE kind = 'set-aside' ORDER BY notice_id DESC LIMIT 1");
  if (!last) return last.error();
  const auto row = last->Step();
  if (!row) return row.error();
  if (*row) set_aside_ = last->text(0);
  return {};
}

// SQLite holds everybody off while it closes the last connection to a ledger and moves what is in
// the log; so that there is nothing left to move, it is done before, beside readers.
LedgerStore::~LedgerStore() {
  checkpointer_.reset();
  if (groups_ && !abandoned_) CheckpointLedger(database_);
}

Result<void> LedgerStore::Tidy() {
  if (const auto due = next_due(); due && *due <= LedgerRetention::Clock::now()) {
    if (auto done = retention_->Step(); !done) return done;
  }
  checkpointer_->AfterCommit(database_, log_pages_);
  return {};
}

std::optional<std::chrono::steady_clock::time_point> LedgerStore::next_due() const {
  if (!retention_) return std::nullopt;
  return retention_->next();
}

void LedgerStore::Abandon() {
  abandoned_ = true;
  sqlite3_db_config(database_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

int LedgerStore::NoteLogLength(void* log_pages, sqlite3*, const char*, int pages) {
  *static_cast<int*>(log_pages) = pages;
  return SQLITE_OK;
}

}  // namespace namegate::resolver
