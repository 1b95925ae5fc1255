#include "resolver/ledger_group.h"

#include "resolver/wall_clock.h"

namespace namegate::resolver {
namespace {

// Errors that another row, or the same disk a moment later, would not have.
bool IsOfARow(int extended_code) {
  const int code = extended_code & 0xff;
  return code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH || code == SQLITE_TOOBIG;
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
  return writer;
}

LedgerGroupWriter::Outcome LedgerGroupWriter::Commit(std::span<const LedgerRow> rows) {
  const auto failure = TryCommit(rows);
  if (!failure) return {std::vector<bool>(rows.size(), true), "", false};
  // One wrong row must not take the others down with it, nor the daemon if it comes again.
  if (failure->of_a_row && rows.size() > 1) return CommitOneByOne(rows);
  return {std::vector<bool>(rows.size(), false), failure->why, !failure->of_a_row};
}

LedgerGroupWriter::Outcome LedgerGroupWriter::CommitOneByOne(std::span<const LedgerRow> rows) {
  Outcome outcome;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto failure = TryCommit(rows.subspan(i, 1));
    outcome.committed.push_back(!failure);
    if (!failure) continue;
    if (outcome.trouble.empty()) outcome.trouble = failure->why;
    if (!failure->of_a_row) {
      // Not worth a timeout per row.
      outcome.committed.resize(rows.size(), false);
      outcome.ledger_failed = true;
      return outcome;
    }
  }
  return outcome;
}

std::optional<LedgerGroupWriter::Failure> LedgerGroupWriter::TryCommit(
    std::span<const LedgerRow> rows) {
  const auto written = Write(rows);
  if (written) return std::nullopt;
  const bool of_a_row = IsOfARow(sqlite3_extended_errcode(database_.handle()));
  RollBack();
  return Failure{written.error().message, of_a_row};
}

Result<void> LedgerGroupWriter::Write(std::span<const LedgerRow> rows) {
  // IMMEDIATE: to wait for a lock here, where it is safe to, and not in the middle.
  if (auto begun = begin_.statement.Run(); !begun) return begun;
  for (const LedgerRow& row : rows) {
    if (auto recorded = recorder_->Record(row); !recorded) return recorded;
  }
  return SealAndCommit();
}

Result<void> LedgerGroupWriter::SealAndCommit() {
  if (auto sealed = sealer_->Seal(NowMicroseconds()); !sealed) return sealed;
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

Result<void> LedgerGroupWriter::CloseOwnedSessions(int64_t time_us, const std::string& why) {
  auto done = begin_.statement.Run();
  if (done) done = recorder_->CloseOwnedSessions(time_us, why);
  if (done) done = SealAndCommit();
  if (!done) RollBack();
  return done;
}

}  // namespace namegate::resolver
