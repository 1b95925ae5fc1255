#include "tests/crash/crash_run.h"

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "common/ledger_verifier.h"
#include "common/random.h"
#include "common/reason.h"
#include "tests/crash/capturing_proxy.h"
#include "tests/crash/session_load.h"
#include "tests/support/authority.h"

namespace namegate::testing {
namespace {

constexpr std::array kGates = {"preload", "preload", "enclave"};  // of the sessions
// The moments: after so many more responses and verdicts, or so long after the start.
constexpr uint32_t kMostSeenBetweenKills = 500;
constexpr uint32_t kLongestStart_us = 60'000;
constexpr uint32_t kOneKillInWhileStarting = 4;
// Limits that the load would run into, and leases that outlast it.
constexpr char kConfig[] =
    "wildcard_names = 1000000\n"
    "wildcard_octets = 1000000000\n"
    "lease_floor_s = 3600\n";

class CrashRun {
 public:
  explicit CrashRun(const CrashOptions& options)
      : options_(options),
        daemon_({{authority_.endpoint()},
                 kConfig + options.config,
                 {},
                 options.environment,
                 options.program}) {
    authority_.On("*", [](const SeenQuery& query, const Bytes& honest) {
      return AnswerWith(AddressRecord(query.name))(query, honest);
    });
    for (const char* gate : kGates) {
      sessions_.push_back(daemon_.OpenSessionBy(
          {{"allow_private", std::vector<std::string>{kLoadRule}}, {"gate", gate}}));
      proxies_.push_back(
          std::make_unique<CapturingProxy>(sessions_.back().nameserver, observations_));
    }
    for (size_t i = 0; i < sessions_.size(); ++i) {
      loads_.push_back(std::make_unique<SessionLoad>(sessions_[i], proxies_[i]->endpoint(),
                                                     control_, observations_));
    }
  }

  CrashReport Run() {
    while (report_.kills < options_.kills && !(options_.expect_loss && report_.lost())) {
      KillUnderLoad();
      if (RandomU32() % kOneKillInWhileStarting == 0) KillWhileStarting();
      daemon_.Start();
      control_.SetDaemonReady(true);
      if (daemon_.readiness() != "ready") {
        Complain(daemon_.readiness());
        break;
      }
      if (!options_.expect_loss) CheckSessions();
      Compare();
    }
    control_.Resume();
    return report_;
  }

 private:
  void KillUnderLoad() {
    if (!observations_.WaitForMore(1 + RandomU32() % kMostSeenBetweenKills)) {
      Complain("the daemon does not answer");
    }
    Kill();
    ++report_.kills;
  }

  void KillWhileStarting() {
    daemon_.Launch();
    std::this_thread::sleep_for(std::chrono::microseconds(RandomU32() % kLongestStart_us));
    Kill();
    ++report_.kills_while_starting;
  }

  void Kill() {
    daemon_.Kill();
    control_.SetDaemonReady(false);
    options_.after_death(daemon_.paths());
  }

  void Complain(const std::string& what) { report_.complaints.push_back(what); }

  // All are there again, where they were.
  void CheckSessions() {
    const auto response = daemon_.control().Call({{"command", "session.list"}});
    if (!response) return Complain(response.error().message);
    const auto& listed = (*response)["sessions"];
    for (size_t i = 0; i < sessions_.size(); ++i) {
      const TestSession& session = sessions_[i];
      if (listed.size() != sessions_.size() || listed[i]["id"] != session.id ||
          listed[i]["nameserver"] != session.nameserver.ToText() ||
          listed[i]["gate_socket"] != session.gate_socket) {
        return Complain("the sessions are not those that were: " + listed.dump());
      }
    }
  }

  // What was seen by now has been recorded before. The load pauses only so that it does not pile
  // up meanwhile.
  void Compare() {
    control_.Pause();
    const auto responses = observations_.responses();
    const auto verdicts = observations_.verdicts();
    CountRefusals(responses, verdicts);
    auto ledger = Database::Open(daemon_.paths().ledger(), Database::Mode::kReadOnly);
    if (!ledger) throw std::runtime_error(ledger.error().message);
    if (options_.expect_loss) comparison_ = {};
    report_.responses = comparison_.CompareResponses(*ledger, responses);
    report_.verdicts = comparison_.CompareVerdicts(*ledger, verdicts);
    VerifySeals(*ledger);
    control_.Resume();
  }

  void CountRefusals(const std::vector<SeenResponse>& responses,
                     const std::vector<SeenVerdict>& verdicts) {
    for (; counted_responses_ < responses.size(); ++counted_responses_) {
      const auto reply = ReadReply(responses[counted_responses_].message);
      if (reply && reply->rcode == "REFUSED") ++report_.forgotten;
    }
    for (; counted_verdicts_ < verdicts.size(); ++counted_verdicts_) {
      const SeenVerdict& verdict = verdicts[counted_verdicts_];
      if (verdict.relayed) ++report_.relayed;
      // Addresses that were answered are of this network; others never had a lease.
      if (!verdict.allowed && verdict.address.starts_with("198.1")) ++report_.forgotten;
    }
  }

  // The chain is whole, and the end that it had last time is in it still.
  void VerifySeals(Database& ledger) {
    const auto verified =
        VerifyLedger(ledger, std::nullopt, options_.expect_loss ? std::nullopt : head_);
    if (!verified) return Complain(verified.error().message);
    for (const std::string& finding : verified->findings) Complain(finding);
    head_ = verified->head;
  }

  const CrashOptions& options_;
  Authority authority_;
  Daemon daemon_;
  Observations observations_;
  LoadControl control_;
  LedgerComparison comparison_;
  std::vector<TestSession> sessions_;
  std::optional<SealHead> head_;
  size_t counted_responses_ = 0;
  size_t counted_verdicts_ = 0;
  CrashReport report_;
  std::vector<std::unique_ptr<CapturingProxy>> proxies_;
  std::vector<std::unique_ptr<SessionLoad>> loads_;  // last: they use the others
};

}  // namespace

std::string CrashReport::ToText() const {
  std::string text = std::to_string(kills) + " kills under load and " +
                     std::to_string(kills_while_starting) + " while starting\n" +
                     "responses: " + responses.ToText() + "\nverdicts:  " + verdicts.ToText() +
                     " (" + std::to_string(relayed) + " of them to a relay)" +
                     "\nsessions or leases forgotten: " + std::to_string(forgotten) + "\n";
  for (const std::string& complaint : complaints) text += "complaint: " + complaint + "\n";
  return text;
}

CrashReport RunCrashes(const CrashOptions& options) { return CrashRun(options).Run(); }

}  // namespace namegate::testing
