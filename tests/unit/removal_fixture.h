#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>

#include "common/ledger_verifier.h"
#include "common/seal_search.h"
#include "resolver/ledger_file.h"
#include "resolver/ledger_removal.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {

// A ledger that is written without a thread, so that a test decides what comes between two slices
// of a removal.
class RemovalLedger {
 public:
  // What the test has put into `ledger` up to now is what a removal is to go up to.
  void EndOldPart() { old_seal_ = std::stoll(ledger.Value("SELECT max(seal_id) FROM seal")); }

  // As a daemon does that starts; `ledger` must be closed.
  void Open() {
    removal.reset();
    groups.reset();
    auto opened = resolver::OpenLedgerFile(ledger.path(), resolver::Durability::kProcess);
    REQUIRE(opened);
    database = *std::move(opened);
    auto created = resolver::LedgerGroupWriter::Create(database, ledger.key);
    REQUIRE(created);
    groups = *std::move(created);
  }

  void Begin() {
    auto select = database.Prepare("SELECT time_us, digest FROM seal WHERE seal_id = ?");
    select->Bind(1, old_seal_);
    REQUIRE(select->Step().value());
    const auto last = ReadChainAnchor(database);
    REQUIRE(last);
    ChainAnchor anchor;
    if (*last) anchor.marks = (*last)->marks;
    anchor.why = "age";
    anchor.begun_us = kNoonUs;
    anchor.seal_id = old_seal_;
    anchor.seal_time_us = select->integer(0);
    std::copy_n(select->text(1).begin(), 32, anchor.seal_digest.begin());
    for (size_t table = 0; table < kSealedTableCount; ++table) {
      const auto mark = MarkAt(database, kSealedTables[table].mark, old_seal_);
      REQUIRE(mark);
      if (*mark > 0) anchor.marks[table] = *mark;
    }
    auto begun = resolver::LedgerRemoval::Begin(database, *groups, anchor);
    if (!begun) FAIL(begun.error().message);
    removal = *std::move(begun);
  }

  void Resume() {
    auto anchor = ReadChainAnchor(database);
    REQUIRE(anchor);
    REQUIRE(*anchor);
    REQUIRE_FALSE((*anchor)->kept_digest);
    auto resumed = resolver::LedgerRemoval::Resume(database, *groups, **anchor);
    REQUIRE(resumed);
    removal = *std::move(resumed);
  }

  // The least that can be done at once; true when it is through.
  bool Step() {
    auto done = removal->Step(std::chrono::steady_clock::time_point::min());
    if (!done) FAIL(done.error().message);
    return *done;
  }

  void Finish() {
    while (!Step()) {
    }
  }

  void Add(const resolver::LedgerRow& row) {
    const auto outcome = groups->Commit({&row, 1});
    INFO(outcome.trouble);
    REQUIRE(outcome.committed == std::vector<bool>{true});
  }

  Verification Verify(const std::optional<SealHead>& since = std::nullopt) const {
    auto reader = Database::Open(ledger.path(), Database::Mode::kReadOnly);
    REQUIRE(reader);
    auto verified = VerifyLedger(*reader, ledger.key, since);
    if (!verified) FAIL(verified.error().message);
    return *verified;
  }

  void CheckSound() const {
    CHECK(Verify().findings.empty());
    CHECK(ledger.Value("SELECT count(*) FROM pragma_foreign_key_check") == "0");
    CHECK(ledger.Value("PRAGMA integrity_check") == "ok");
  }

  TestLedger ledger;
  int64_t old_seal_ = 0;
  Database database;
  std::unique_ptr<resolver::LedgerGroupWriter> groups;
  std::unique_ptr<resolver::LedgerRemoval> removal;
};

}  // namespace namegate::testing
