#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/sqlite.h"
#include "resolver/ledger_rows.h"
#include "resolver/ledger_writer.h"
#include "tests/support/parsed.h"
#include "tests/support/temp_dir.h"

namespace namegate::testing {

// 2027-01-15T08:00:00.000001Z
inline constexpr int64_t kNoonUs = 1'800'000'000'000'001;

// A ledger in a directory of its own, written through the real writer.
class TestLedger {
 public:
  TestLedger();
  // In a directory of the caller's.
  explicit TestLedger(const std::string& directory);
  ~TestLedger();

  // What seals are made with from the next Reopen() on.
  std::optional<SealKey> key;

  std::string path() const { return directory_ + "/ledger.db"; }
  const std::string& directory() const { return directory_; }
  resolver::LedgerWriter& writer() { return *writer_; }

  // Submits the rows together and waits until they are through: what became of each.
  std::vector<bool> Write(std::vector<resolver::LedgerRow> rows);
  // The same at rest, in one transaction under one seal: which rows share a group is else for the
  // writer to decide. All must be committed.
  void WriteAsOneGroup(const std::vector<resolver::LedgerRow>& rows);
  // One row, which must be committed.
  void Add(resolver::LedgerRow row);
  // Flushes and closes the ledger.
  void Close();
  void Reopen(const Retention& retention = {});
  // As many waits as groups were woken for, since the last call to this.
  size_t TakeWakes();

  // The only value of a query's only row, as text; "NULL" for NULL, "no row" for none.
  std::string Value(const std::string& sql) const;

 private:
  struct Wakes;

  std::optional<TempDir> own_;
  std::string directory_;
  std::shared_ptr<Wakes> wakes_;
  std::unique_ptr<resolver::LedgerWriter> writer_;
};

// A key of those octets, at least 16.
SealKey Key(const std::string& octets);
resolver::Record ARecord(const std::string& owner, const std::string& address, uint32_t ttl_s);
std::shared_ptr<const resolver::AnswerSet> Answer(std::vector<resolver::Record> records);

// Rows with the next id and sensible values, to be changed by the test.
resolver::SessionOpenedRow OpenedRow(TestLedger& ledger, const std::string& label);
resolver::QueryRow AllowedRow(TestLedger& ledger, const std::string& qname);
resolver::QueryRow DeniedRow(TestLedger& ledger, const std::string& qname);
resolver::ConnectionRow ConnectedRow(TestLedger& ledger, const std::string& endpoint);
resolver::ConnectionRow RefusedRow(TestLedger& ledger, const std::string& endpoint);

}  // namespace namegate::testing
