#include "resolver/ledger_group.h"

#include <algorithm>

#include "common/wall_clock.h"
#include "resolver/ledger_damage.h"

namespace namegate::resolver {
namespace {

// Errors that another row, or the same disk a moment later, would not have.
bool IsOfARow(int extended_code) {
  const int code = extended_code & 0xff;
  return code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH || code == SQLITE_TOOBIG;
}

// When a row's event was; the distant past for rows without a time.
int64_t TimeOf(const LedgerRow& row) {
  return std::visit(
      [](const auto& kind) {
        if constexpr (requires { kind.time_us; }) return int64_t{kind.time_us};
        return INT64_MIN;
      },
      row);
}

}  // namespace

Result<std::unique_ptr<LedgerGroupWriter>> LedgerGroupWriter::Create(Database& database,
                                                                     std::optional<SealKey> key) {
  std::unique_ptr<LedgerGroupWriter> writer(new LedgerGroupWriter(database));
  auto recorder = LedgerRecorder::Create(database);
  if (!recorder) return recorder.error();
  writer->recorder_ = *std::move(recorder);
  auto sealer = LedgerSealer::Create(database, std::move(key));
  if (!sealer) return sealer.error();
  writer->sealer_ = *std::move(sealer);
  auto prepared = PrepareAll(database, {&writer->begin_, &writer->commit_, &writer->rollback_});
  if (!prepared) return prepared.error();
  if (auto noted = writer->NoteNewKey(); !noted) return noted.error();
  return writer;
}

// Sealed at once, so that whoever has the key can tell what came before it.
Result<void> LedgerGroupWriter::NoteNewKey() {
  if (!sealer_->key_is_new()) return {};
  const LedgerRow notice = NoticeRow{
      NowMicroseconds(), "keyed",
      "seals are made with a key from here on; up to seal " + head() + " they were made without"};
  const Outcome outcome = Commit({&notice, 1});
  return outcome.trouble.empty() ? Result<void>() : Error{outcome.trouble};
}

LedgerGroupWriter::Outcome LedgerGroupWriter::Commit(std::span<const LedgerRow> rows) {
  Outcome outcome;
  CommitPart(rows, outcome);
  return outcome;
}

// One wrong row must not take the others down with it, nor the daemon if it comes again: it is
// found by halving.
void LedgerGroupWriter::CommitPart(std::span<const LedgerRow> rows, Outcome& outcome) {
  // Where the ledger itself has failed, the rest is not worth a timeout each.
  std::optional<Failure> failure;
  if (!outcome.ledger_failed) failure = TryCommit(rows);
  if (failure && failure->of_a_row && rows.size() > 1) {
    CommitPart(rows.first(rows.size() / 2), outcome);
    CommitPart(rows.subspan(rows.size() / 2), outcome);
    return;
  }
  const bool committed = !failure && !outcome.ledger_failed;
  outcome.committed.insert(outcome.committed.end(), rows.size(), committed);
  if (!failure) return;
  if (outcome.trouble.empty()) outcome.trouble = failure->why;
  outcome.ledger_failed = !failure->of_a_row;
  outcome.damaged = failure->damage;
}

std::optional<LedgerGroupWriter::Failure> LedgerGroupWriter::TryCommit(
    std::span<const LedgerRow> rows) {
  const auto written = Write(rows);
  if (written) return std::nullopt;
  const int code = sqlite3_extended_errcode(database_.handle());
  RollBack();
  return Failure{written.error().message, IsOfARow(code), IsDamage(code)};
}

Result<void> LedgerGroupWriter::Write(std::span<const LedgerRow> rows) {
  // IMMEDIATE: to wait for a lock here, where it is safe to, and not in the middle.
  if (auto begun = begin_.statement.Run(); !begun) return begun;
  int64_t time_us = NowMicroseconds();
  for (const LedgerRow& row : rows) {
    if (auto recorded = recorder_->Record(row); !recorded) return recorded;
    // Should the clock have been set back meanwhile: what a seal covers is never later than it.
    time_us = std::max(time_us, TimeOf(row));
  }
  return SealAndCommit(time_us);
}

Result<void> LedgerGroupWriter::SealAndCommit(int64_t time_us) {
  if (auto sealed = sealer_->Seal(time_us); !sealed) return sealed;
  if (auto committed = commit_.statement.Run(); !committed) return committed;
  sealer_->Committed();
  return {};
}

void LedgerGroupWriter::RollBack() {
  recorder_->ForgetIds();
  sealer_->RolledBack();
  // Some failures end the transaction by themselves (https://sqlite.org/lang_transaction.html §3).
  if (sqlite3_get_autocommit(database_.handle()) != 0) return;
  // If even this fails, the next BEGIN does too, and nothing is answered.
  static_cast<void>(rollback_.statement.Run());
}

Result<void> LedgerGroupWriter::Transact(const std::function<Result<void>()>& write) {
  auto done = begin_.statement.Run();
  if (done) done = write();
  if (done) done = SealAndCommit(NowMicroseconds());
  if (!done) {
    met_damage_ = IsDamage(sqlite3_errcode(database_.handle()));
    RollBack();
  }
  return done;
}

}  // namespace namegate::resolver
