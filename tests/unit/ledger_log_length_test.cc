// Who moves what of the write-ahead log, and how far its file is cut back.

#include "resolver/ledger_log_length.h"

#include <catch2/catch.hpp>

namespace namegate::testing {
namespace {

using resolver::LedgerLogLength;
using Task = LedgerLogLength::Task;

constexpr int kLongPages = 150'000;  // 590 MiB

// As under a reader in a long transaction, which lets the thread move nothing. Gives the last
// limit.
int GrowToLong(LedgerLogLength& length) {
  int limit = LedgerLogLength::kKeptPages;
  for (int pages = 500; pages <= kLongPages; pages += 500) {
    CHECK(length.AfterCommit(pages) != Task::kWriter);
    limit = length.NewLimit().value_or(limit);
  }
  return limit;
}

TEST_CASE("The thread moves the log while it is short, and the writer the last of a longer one") {
  LedgerLogLength length;
  CHECK(length.AfterCommit(900) == Task::kNone);
  CHECK(length.AfterCommit(1'000) == Task::kThread);
  length.ThreadMoved(1'000);
  CHECK(length.AfterCommit(1'900) == Task::kNone);
  CHECK(length.AfterCommit(4'096) == Task::kThread);
  length.ThreadMoved(4'096);
  CHECK(length.AfterCommit(4'100) == Task::kWriter);
  length.WriterMoved(true);
  CHECK(length.AfterCommit(4'200) == Task::kNone);
}

TEST_CASE("What gathered under a long reader is the thread's to move, however long the log is") {
  LedgerLogLength length;
  GrowToLong(length);
  CHECK(length.AfterCommit(kLongPages + 500) != Task::kWriter);
  // And where the thread comes near but never catches up altogether, the log begins anew all the
  // same, when it has grown as much again.
  int pages = kLongPages;
  do {
    pages += 500;
    REQUIRE(pages < 2 * kLongPages);
    length.ThreadMoved(pages - 3'000);
  } while (length.AfterCommit(pages) != Task::kWriter);
  CHECK(pages > kLongPages + 50'000);
}

TEST_CASE("A log that was long is cut back a part at a time, down to what it may keep") {
  LedgerLogLength length;
  int limit = GrowToLong(length);
  int file = kLongPages;
  while (file > LedgerLogLength::kKeptPages) {
    REQUIRE(limit < file);
    CHECK(limit >= file - 2 * LedgerLogLength::kCutPages);
    file = limit;  // as SQLite does when the log begins anew
    for (const int pages : {100, 5'000}) {
      length.AfterCommit(pages);
      limit = length.NewLimit().value_or(limit);
    }
  }
  CHECK(limit == LedgerLogLength::kKeptPages);
}

TEST_CASE("A log of the usual length is never cut") {
  LedgerLogLength length;
  for (int round = 0; round < 3; ++round) {
    for (int pages = 500; pages <= 5'000; pages += 500) {
      length.ThreadMoved(pages);
      length.AfterCommit(pages);
      CHECK_FALSE(length.NewLimit());
    }
  }
}

}  // namespace
}  // namespace namegate::testing
