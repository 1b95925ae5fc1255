#include "gate/doctor/doctor.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "common/escape.h"
#include "common/ledger_reader.h"
#include "common/state_paths.h"
#include "gate/command/output.h"
#include "gate/doctor/canary.h"
#include "gate/doctor/findings.h"
#include "gate/doctor/little_network.h"
#include "gate/doctor/probe_runner.h"
#include "gate/doctor/stage.h"
#include "gate/doctor/workshop.h"

// Theory of operation. In a little network of its own, doctor opens a canary for each probe. The
// probes run three times, each time the same command: without a gate, behind the enclave, behind
// the preload gate, the latter two by `namegate run` as anybody would start it. In the enclave they
// first get rid of the preload gate that is loaded there too, because the wall is what is promised.
// What arrived at a canary got through; without a gate it must, or the probe shows nothing. What
// did not get through must be in the ledger, if it was an attempt that the gate sees.

namespace namegate::doctor {
namespace {

namespace fs = std::filesystem;

// How long the ledger may be held by a daemon that leaves.
constexpr std::chrono::seconds kLedgerPatience{10};
constexpr std::chrono::milliseconds kLedgerPause{20};
// An address at which no name server answers; no name is allowed, so none is asked.
constexpr char kNoUpstream[] = "203.0.113.1:9";

// The ledger of the daemon that `run` started, as of one stage.
class StageLedger {
 public:
  explicit StageLedger(std::string path) : path_(std::move(path)) {}

  // What is there already is of an earlier stage.
  void Mark() {
    connections_ = Ask("SELECT coalesce(max(id), 0) FROM connections", {}).value_or(0);
    queries_ = Ask("SELECT coalesce(max(id), 0) FROM queries", {}).value_or(0);
  }

  bool Has(Row row, const Probe& probe, uint16_t port) const {
    const char* protocol = probe.canary == CanaryKind::kTcp ? "tcp" : "udp";
    switch (row) {
      case Row::kNone:
        return true;
      case Row::kConnection:
        return Ask("SELECT count(*) FROM connections WHERE verdict = 'deny' AND id > ?1 AND "
                   "protocol = ?2 AND port = ?3",
                   {connections_, protocol, port})
                   .value_or(0) > 0;
      case Row::kOption:
        return Ask("SELECT count(*) FROM connections WHERE verdict = 'deny' AND id > ?1 AND "
                   "reason = ?2",
                   {connections_, "socket-option", 0})
                   .value_or(0) > 0;
      case Row::kQuery:
        return Ask("SELECT count(*) FROM queries WHERE verdict = 'deny' AND id > ?1 AND qname = ?2",
                   {queries_, QnameOf(probe.name), 0})
                   .value_or(0) > 0;
    }
    return false;
  }

 private:
  struct Values {
    int64_t after = 0;
    std::string text;
    int64_t number = 0;
  };

  // A daemon that is leaving holds the ledger to itself for a moment.
  std::optional<int64_t> Ask(const char* sql, const Values& values) const {
    if (access(path_.c_str(), F_OK) != 0) return std::nullopt;
    const auto deadline = std::chrono::steady_clock::now() + kLedgerPatience;
    for (;;) {
      if (const auto answer = AskOnce(sql, values)) return *answer;
      if (std::chrono::steady_clock::now() > deadline) return std::nullopt;
      std::this_thread::sleep_for(kLedgerPause);
    }
  }

  Result<int64_t> AskOnce(const char* sql, const Values& values) const {
    auto ledger = OpenLedgerToRead(path_);
    if (!ledger) return ledger.error();
    auto statement = ledger->Prepare(sql);
    if (!statement) return statement.error();
    if (!values.text.empty()) {
      statement->Bind(1, values.after);
      statement->Bind(2, values.text);
      if (values.number != 0) statement->Bind(3, values.number);
    }
    const auto row = statement->Step();
    if (!row) return row.error();
    return *row ? statement->integer(0) : 0;
  }

  std::string path_;
  int64_t connections_ = 0;
  int64_t queries_ = 0;
};

class Doctor {
 public:
  Doctor(const command::CommonOptions& common, const DoctorOptions& options, Workshop workshop)
      : common_(common), workshop_(std::move(workshop)), ledger_(workshop_.state().ledger()) {
    for (const char* gate : {"enclave", "preload"}) {
      if (options.gate.empty() || options.gate == gate) gates_.emplace_back(gate);
    }
  }

  int Run() {
    examination_.host = HostFacts();
    const Result<void> prepared = Prepare();
    for (const std::string& gate : gates_) {
      examination_.gates.push_back(prepared ? TryGate(gate) : Untried(gate, prepared.error()));
    }
    const int exit_status = ExitStatus();
    if (common_.json) {
      PrintAsJson(examination_, exit_status);
    } else {
      command::Print(ToText(examination_) + Verdict(exit_status));
    }
    return exit_status;
  }

 private:
  Result<void> Prepare() {
    examination_.bare.resize(Probes().size());
    if (auto entered = EnterLittleNetwork(); !entered) return entered.error();
    std::error_code error;
    self_ = fs::read_symlink("/proc/self/exe", error).string();
    // Where no policy file lies that `run` would read.
    if (!error) fs::current_path(workshop_.path(), error);
    if (error) return Error{"find this program, or its directory: " + error.message()};
    OpenCanaries();
    // In the place of the user's own, which is of no use to us.
    setenv("SSH_AUTH_SOCK", (workshop_.path() + "/agent").c_str(), 1);
    return TryBare();
  }

  static ExaminedGate Untried(const std::string& gate, const Error& why) {
    return {gate, why.message, std::vector<Finding>(Probes().size())};
  }

  void OpenCanaries() {
    for (const Probe& probe : Probes()) {
      canaries_.push_back(Canary::Open(probe, workshop_.path()));
      if (!canaries_.back()) continue;
      if (probe.name == "inherited") inherited_ = canaries_.back()->ConnectedSocket(probe);
      if (probe.name == "kept") {
        kept_ = canaries_.back()->ConnectedSocket(probe);
        fcntl(kept_.get(), F_SETFD, FD_CLOEXEC);
      }
    }
  }

  std::vector<std::string> ProbeWords(bool strip) const {
    nlohmann::json plan = {{"directory", workshop_.path()},
                           {"outside", getpid()},
                           {"inherited", inherited_.get()},
                           {"kept", kept_.get()},
                           {"tries", nlohmann::json::array()}};
    if (strip) plan["strip"] = 1;
    for (size_t i = 0; i < canaries_.size(); ++i) {
      if (!canaries_[i]) continue;
      plan["tries"].push_back({{"name", Probes()[i].name}, {"port", canaries_[i]->port()}});
    }
    return {self_, "doctor", "--probes", plan.dump()};
  }

  std::vector<bool> Arrived() {
    std::vector<bool> arrived;
    for (auto& canary : canaries_) arrived.push_back(canary && canary->Arrived() > 0);
    return arrived;
  }

  Result<void> TryBare() {
    Progress("without a gate");
    Stage stage = RunStage(ProbeWords(/*strip=*/false));
    if (!stage.finished) return Error{"try the probes without a gate: " + stage.trouble};
    possible_ = Arrived();
    for (size_t i = 0; i < Probes().size(); ++i) {
      examination_.bare[i] = stage.said[std::string(Probes()[i].name)];
    }
    return {};
  }

  ExaminedGate TryGate(const std::string& gate) {
    Progress("behind the gate " + gate);
    const bool enclave = gate == "enclave";
    ledger_.Mark();
    std::vector<std::string> words = {self_,
                                      "run",
                                      "--quiet",
                                      "--gate",
                                      gate,
                                      "--state-dir",
                                      workshop_.state().directory(),
                                      "--config",
                                      workshop_.config(),
                                      "--upstream",
                                      kNoUpstream,
                                      "--"};
    for (std::string& word : ProbeWords(enclave)) words.push_back(std::move(word));
    Stage stage = RunStage(words);
    const std::vector<bool> arrived = Arrived();
    ExaminedGate examined{gate, stage.finished ? "" : stage.trouble, {}};
    for (size_t i = 0; i < Probes().size(); ++i) {
      const std::string said = stage.said[std::string(Probes()[i].name)];
      const bool tried = stage.finished && possible_[i];
      examined.findings.push_back(
          {tried ? Judge(enclave, i, arrived[i], !said.empty()) : State::kNotPossible, said});
    }
    return examined;
  }

  State Judge(bool enclave, size_t i, bool arrived, bool tried) const {
    const Probe& probe = Probes()[i];
    if (arrived) return enclave || probe.preload_holds ? State::kOpen : State::kCooperative;
    const Row row = enclave ? probe.enclave_row : probe.preload_row;
    if (!tried || !ledger_.Has(row, probe, canaries_[i]->port())) return State::kUnrecorded;
    return State::kCovered;
  }

  // The enclave, which comes first, is what is promised; if it cannot be, nothing is shown.
  int ExitStatus() const {
    for (const ExaminedGate& gate : examination_.gates) {
      for (const Finding& finding : gate.findings) {
        if (finding.state == State::kOpen || finding.state == State::kUnrecorded) {
          return kSomethingOpen;
        }
      }
    }
    return examination_.gates.front().trouble.empty() ? kAllCovered : kCouldNotRun;
  }

  static std::string Verdict(int exit_status) {
    switch (exit_status) {
      case kAllCovered:
        return "\nEverything promised that can be shown here is covered.\n";
      case kSomethingOpen:
        return "\nSOMETHING IS NOT COVERED that should be. Please report it as SECURITY.md says.\n";
      default:
        return "\nThe gate could not be tried.\n";
    }
  }

  // For a person who waits.
  void Progress(const std::string& what) const {
    if (isatty(STDERR_FILENO) == 1 && !common_.json) command::Complain("trying " + what + " ...");
  }

  const command::CommonOptions& common_;
  Workshop workshop_;
  StageLedger ledger_;
  std::vector<std::string> gates_;
  std::string self_;
  std::vector<std::optional<Canary>> canaries_;
  UniqueFd inherited_;
  UniqueFd kept_;
  std::vector<bool> possible_;
  Examination examination_;
};

int CouldNotRun(const std::string& why) {
  command::Complain("doctor: " + why);
  return kCouldNotRun;
}

}  // namespace

int Examine(const command::CommonOptions& common, const DoctorOptions& options) {
  if (!options.probes.empty()) return RunProbes(options.probes);
  if (!options.gate.empty() && options.gate != "enclave" && options.gate != "preload") {
    return CouldNotRun("--gate: '" + Printable(options.gate) +
                       "' is not one; choose enclave or preload");
  }
  auto workshop = Workshop::Make();
  if (!workshop) return CouldNotRun(workshop.error().message);
  return Doctor(common, options, std::move(workshop).value()).Run();
}

}  // namespace namegate::doctor
