#include "resolver/attempt_recorder.h"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/unit/ledger_fixture.h"

namespace namegate::resolver {
namespace {

// A recorder in a loop of its own, and a ledger that it writes to.
class AttemptFixture {
 public:
  AttemptFixture() {
    uv_loop_init(&loop_);
    session_ = std::make_shared<Session>(std::vector<Rule>());
    session_->id = 1;
    recorder_ = std::make_unique<AttemptRecorder>(&loop_, session_, ledger_.writer(), "enclave");
  }
  ~AttemptFixture() {
    recorder_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  void Try(int times, Verdict verdict, Reason reason) {
    GateVerdict judged;
    judged.verdict = verdict;
    judged.reason = reason;
    judged.protocol = 6;
    judged.destination = Endpoint{IpAddress::V4(192, 0, 2, 1), 443};
    for (int i = 0; i < times; ++i) {
      recorder_->Record(0, judged, [this](bool committed, int64_t id) {
        if (committed && id > 0) ++done_;
      });
    }
  }
  // Until so many attempts are recorded.
  void WaitFor(int done) {
    while (done_ < done) {
      uv_run(&loop_, UV_RUN_NOWAIT);
      ledger_.writer().RunCompletions();
      std::this_thread::yield();
    }
  }
  void Drop() { recorder_.reset(); }
  int64_t Number(const std::string& sql) const { return std::stoll(ledger_.Value(sql)); }
  const Session& session() const { return *session_; }

 private:
  uv_loop_t loop_{};
  testing::TestLedger ledger_;
  std::shared_ptr<Session> session_;
  std::unique_ptr<AttemptRecorder> recorder_;
  int done_ = 0;
};

constexpr int kFlood = 20'000;

TEST_CASE_METHOD(AttemptFixture,
                 "Of a flood of refused attempts many share a row, and none is lost") {
  Try(kFlood, Verdict::kDeny, Reason::kNoLease);
  WaitFor(kFlood);
  CHECK(Number("SELECT sum(count) FROM connections") == kFlood);
  CHECK(Number("SELECT count(*) FROM connections") < kFlood / 2);
  CHECK(Number("SELECT count(*) FROM connections") >= int{AttemptRecorder::kRowsPerSecond});
  CHECK(session().counters.connections == kFlood);
  CHECK(session().counters.denials == kFlood);
}

TEST_CASE_METHOD(AttemptFixture, "Attempts of different kinds share no row") {
  Try(kFlood, Verdict::kDeny, Reason::kNoLease);
  Try(3, Verdict::kDeny, Reason::kPortNotAllowed);
  WaitFor(kFlood + 3);
  CHECK(Number("SELECT sum(count) FROM connections WHERE reason = 'port-not-allowed'") == 3);
}

TEST_CASE_METHOD(AttemptFixture,
                 "Each attempt that is allowed has a row of its own, in a flood too") {
  Try(kFlood, Verdict::kDeny, Reason::kNoLease);
  Try(3'000, Verdict::kAllow, Reason::kRule);
  WaitFor(kFlood + 3'000);
  CHECK(Number("SELECT count(*) FROM connections WHERE verdict = 'allow' AND count = 1") == 3'000);
}

TEST_CASE_METHOD(AttemptFixture,
                 "What still waits for more of its kind is recorded when the session ends") {
  Try(kFlood, Verdict::kDeny, Reason::kNoLease);
  Drop();
  WaitFor(kFlood);
  CHECK(Number("SELECT sum(count) FROM connections") == kFlood);
}

}  // namespace
}  // namespace namegate::resolver
