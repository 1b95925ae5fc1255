#include "tests/unit/ledger_fixture.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "resolver/ledger_file.h"
#include "resolver/ledger_group.h"

namespace namegate::testing {

using resolver::LedgerWriter;

struct TestLedger::Wakes {
  std::mutex mutex;
  std::condition_variable changed;
  size_t unseen = 0;
  size_t untaken = 0;

  void Wake() {
    const std::lock_guard lock(mutex);
    ++unseen;
    ++untaken;
    changed.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, std::chrono::seconds(60), [this] { return unseen > 0; })) {
      FAIL("the ledger's writer never came back");
    }
    unseen = 0;
  }
};

TestLedger::TestLedger() : own_(std::in_place), directory_(own_->path()) { Reopen(); }

TestLedger::TestLedger(const std::string& directory) : directory_(directory) { Reopen(); }

TestLedger::~TestLedger() { Close(); }

void TestLedger::Close() { writer_.reset(); }

void TestLedger::Reopen(const Retention& retention) {
  Close();
  wakes_ = std::make_shared<Wakes>();
  auto writer = LedgerWriter::Open(
      path(), resolver::Durability::kProcess, [wakes = wakes_] { wakes->Wake(); }, key, retention);
  if (!writer) FAIL(writer.error().message);
  writer_ = *std::move(writer);
}

std::vector<bool> TestLedger::Write(std::vector<resolver::LedgerRow> rows) {
  std::vector<bool> results(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    writer_->Submit(std::move(rows[i]), [&results, i](bool committed) { results[i] = committed; });
  }
  while (writer_->pending() > 0) {
    wakes_->Wait();
    writer_->RunCompletions();
  }
  return results;
}

void TestLedger::WriteAsOneGroup(const std::vector<resolver::LedgerRow>& rows) {
  Close();
  {
    auto database = resolver::OpenLedgerFile(path(), resolver::Durability::kProcess);
    REQUIRE(database);
    auto groups = resolver::LedgerGroupWriter::Create(*database, key);
    REQUIRE(groups);
    const auto outcome = (*groups)->Commit(rows);
    INFO(outcome.trouble);
    REQUIRE(outcome.committed == std::vector<bool>(rows.size(), true));
  }
  Reopen();
}

void TestLedger::Add(resolver::LedgerRow row) {
  std::vector<resolver::LedgerRow> rows;
  rows.push_back(std::move(row));
  INFO(writer_->trouble());
  REQUIRE(Write(std::move(rows)) == std::vector<bool>{true});
}

size_t TestLedger::TakeWakes() {
  const std::lock_guard lock(wakes_->mutex);
  return std::exchange(wakes_->untaken, 0);
}

std::string TestLedger::Value(const std::string& sql) const {
  auto database = Database::Open(path(), Database::Mode::kReadOnly);
  if (!database) FAIL(database.error().message);
  auto statement = database->Prepare(sql);
  if (!statement) FAIL(statement.error().message << ": " << sql);
  auto row = statement->Step();
  if (!row) FAIL(row.error().message);
  if (!*row) return "no row";
  return statement->is_null(0) ? "NULL" : std::string(statement->text(0));
}

SealKey Key(const std::string& octets) {
  const TempDir directory;
  const std::string path = directory.Write("key", octets);
  chmod(path.c_str(), 0600);
  auto key = SealKey::FromFile(path);
  REQUIRE(key);
  REQUIRE(*key);
  return **key;
}

resolver::Record ARecord(const std::string& owner, const std::string& address, uint32_t ttl_s) {
  const auto octets = IpAddress::FromText(address).value();
  return {Name(owner), static_cast<uint16_t>(octets.is_v4() ? 1 : 28), ttl_s,
          std::string(octets.octets().begin(), octets.octets().end())};
}

std::shared_ptr<const resolver::AnswerSet> Answer(std::vector<resolver::Record> records) {
  return std::make_shared<const resolver::AnswerSet>(std::move(records));
}

resolver::SessionOpenedRow OpenedRow(TestLedger& ledger, const std::string& label) {
  resolver::SessionOpenedRow row;
  row.session = ledger.writer().NextSessionId();
  row.time_us = kNoonUs;
  row.label = label;
  row.gate = "preload";
  row.policy = "pypi.org:443\n";
  row.listen = "127.64.0.1:53";
  row.token = "5ec2e7";
  return row;
}

resolver::QueryRow AllowedRow(TestLedger& ledger, const std::string& qname) {
  resolver::QueryRow row;
  row.id = ledger.writer().NextQueryId();
  row.time_us = kNoonUs + row.id;
  row.session = 1;
  row.client = Endpoint::FromText("127.0.0.1:40000").value();
  row.qname = Name(qname);
  row.qtype = 1;
  row.qclass = 1;
  row.verdict = Verdict::kAllow;
  row.reason = Reason::kRule;
  row.rule = qname + ":443";
  row.source = resolver::Source::kUpstream;
  row.duration_us = 1234;
  return row;
}

resolver::QueryRow DeniedRow(TestLedger& ledger, const std::string& qname) {
  resolver::QueryRow row = AllowedRow(ledger, qname);
  row.verdict = Verdict::kDeny;
  row.reason = Reason::kNotAllowed;
  row.rule.clear();
  row.rcode = 3;
  row.ede = 15;
  row.source = resolver::Source::kLocal;
  return row;
}

resolver::ConnectionRow ConnectedRow(TestLedger& ledger, const std::string& endpoint) {
  resolver::ConnectionRow row;
  row.id = ledger.writer().NextConnectionId();
  row.time_us = kNoonUs + 1000 + row.id;
  row.session = 1;
  row.gate = "preload";
  row.pid = 4711;
  row.process = "curl";
  row.protocol = 6;
  row.destination = Endpoint::FromText(endpoint).value();
  row.verdict = Verdict::kAllow;
  row.reason = Reason::kLease;
  row.rule = "pypi.org:443";
  return row;
}

resolver::ConnectionRow RefusedRow(TestLedger& ledger, const std::string& endpoint) {
  resolver::ConnectionRow row = ConnectedRow(ledger, endpoint);
  row.verdict = Verdict::kDeny;
  row.reason = Reason::kNoLease;
  row.rule.clear();
  return row;
}

}  // namespace namegate::testing
