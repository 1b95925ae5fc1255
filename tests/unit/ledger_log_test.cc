// What the daemon's log says of the ledger.

#include "resolver/ledger_log.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "common/ledger_verifier.h"
#include "tests/unit/ledger_fixture.h"

namespace namegate::testing {
namespace {

using resolver::LedgerLog;
using resolver::LedgerRow;

// Takes what is logged while it lives.
class CapturedLog {
 public:
  CapturedLog() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", std::move(sink)));
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  ~CapturedLog() { spdlog::set_default_logger(previous_); }

  // What was logged since the last call to this. No other thread may be logging.
  std::string Take() {
    const std::string text = out_.str();
    out_.str("");
    return text;
  }

 private:
  std::ostringstream out_;
  const std::shared_ptr<spdlog::logger> previous_ = spdlog::default_logger();
};

TEST_CASE("The last seal is logged when a session has ended, and not for other rows") {
  CapturedLog log;
  TestLedger ledger;
  ledger.Add(OpenedRow(ledger, "build"));
  ledger.Add(DeniedRow(ledger, "evil.example"));
  ledger.Close();
  CHECK_THAT(log.Take(), !Catch::Contains("last seal"));
  ledger.Reopen();
  ledger.Add(resolver::SessionClosedRow{1, kNoonUs, "closed"});
  ledger.Close();
  auto database = Database::Open(ledger.path(), Database::Mode::kReadOnly);
  REQUIRE(database);
  CHECK_THAT(log.Take(),
             Catch::Contains("the ledger's last seal is " + ReadSealHead(*database)->ToText()));
}

TEST_CASE("The last seal is logged once a day in which something is written") {
  CapturedLog captured;
  const std::vector<LedgerRow> group = {resolver::NoticeRow{kNoonUs, "begun", "."}};
  LedgerLog log(LedgerLog::Clock::now() - std::chrono::hours(24));
  log.Committed(group, "17:0a1b");
  CHECK_THAT(captured.Take(), Catch::Contains("the ledger's last seal is 17:0a1b"));
  log.Committed(group, "18:0c1d");
  CHECK(captured.Take().empty());
}

}  // namespace
}  // namespace namegate::testing
