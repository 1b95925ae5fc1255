#include "gate/command/run_command.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "common/config.h"
#include "common/endpoint.h"
#include "common/escape.h"
#include "common/gate_protocol.h"
#include "common/state_paths.h"
#include "gate/command/daemon.h"
#include "gate/command/denial_summary.h"
#include "gate/command/foreground.h"
#include "gate/command/installation.h"
#include "gate/command/output.h"
#include "gate/command/program.h"
#include "gate/command/session_info.h"

namespace namegate::command {
namespace {

constexpr char kDefaultPolicyFile[] = ".namegate.toml";
constexpr uint16_t kDnsPort = 53;
constexpr std::chrono::seconds kHelloPatience{2};
constexpr std::chrono::milliseconds kHelloPause{5};

bool IsQuiet(const RunOptions& options) {
  const char* quiet = std::getenv(kGateQuietVariable);
  return options.quiet || (quiet != nullptr && std::string_view(quiet) == "1");
}

int Trouble(const std::string& message) {
  Complain(message);
  return kGateTrouble;
}

// One run from its options to its exit status, the steps in the order in which they happen. What
// can be checked without the daemon is checked first.
class GatedRun {
 public:
  GatedRun(const CommonOptions& common, const RunOptions& options)
      : common_(common), options_(options), quiet_(IsQuiet(options)) {}

  int Execute() {
    program_ = FindProgram(options_.command.front());
    if (program_.exit_status != 0) {
      Complain(program_.trouble);
      return program_.exit_status;
    }
    for (const auto step : {&GatedRun::CheckGate, &GatedRun::ReadRules, &GatedRun::OpenSession,
                            &GatedRun::PlanFiles}) {
      if (auto done = (this->*step)(); !done) return Trouble(done.error().message);
    }
    const Ended ended = RunInForeground(MakeLaunch());
    if (!ended.trouble.empty()) {
      Complain(ended.trouble);
      return ended.exit_status;
    }
    return Conclude(ended.exit_status);
  }

 private:
  Result<void> CheckGate() {
    if (options_.gate.empty()) {
      return Error{
          "this version has no enclave yet, which is what run uses by default; for the gate that "
          "is "
          "there (cooperative: it holds dynamically linked programs) say: --gate preload"};
    }
    if (options_.gate != "preload") {
      return Error{"--gate: '" + Printable(options_.gate) +
                   "' is not there in this version; choose --gate preload"};
    }
    auto library = FindGateLibrary();
    if (!library) return library.error();
    library_ = std::move(library).value();
    return CheckPreloadable(program_.path);
  }

  Result<void> ReadRules() {
    if (options_.label) {
      if (auto label = CheckLabel(*options_.label); !label) return label;
    }
    RuleOptions wanted = options_.rules;
    std::error_code ignored;
    if (!wanted.policy && std::filesystem::exists(kDefaultPolicyFile, ignored)) {
      wanted.policy = kDefaultPolicyFile;
    }
    auto rules = ReadSessionRules(wanted);
    if (!rules) return rules.error();
    rules_ = std::move(rules).value();
    if (wanted.policy) Note("rules from " + std::filesystem::absolute(*wanted.policy).string());
    for (const std::string& rule : rules_.expired) Note("expired, and left out: " + rule);
    if (rules_.empty()) Note("no rule was given, so everything is denied; see --allow");
    return {};
  }

  Result<void> OpenSession() {
    auto config = Config::Load(common_.config, common_.state_dir);
    if (!config) return config.error();
    state_dir_ = config->state_dir;
    auto daemon = FindOrStartDaemon(common_, options_.upstreams);
    if (!daemon) return daemon.error();
    daemon_.emplace(std::move(daemon).value());
    nlohmann::json request = {
        {"command", "session.open"}, {"gate", options_.gate}, {"owned", true}};
    rules_.AddTo(request);
    request["label"] = options_.label.value_or(DefaultLabel());
    auto response = CallDaemon(*daemon_, request);
    if (!response) return response.error();
    auto session = SessionOf(*response);
    if (!session) return session.error();
    session_ = std::move(session).value();
    return {};
  }

  Result<void> PlanFiles() {
    const auto nameserver = Endpoint::FromText(session_.nameserver);
    if (!nameserver || nameserver->port != kDnsPort) {
      return Error{"the session's name server '" + Printable(session_.nameserver) +
                   "' is not on port 53, the only one that a resolv.conf can name"};
    }
    auto files = PlanPrivateFiles(nameserver->address);
    if (!files) return files.error();
    files_ = std::move(files).value();
    return {};
  }

  Launch MakeLaunch() const {
    Launch launch{program_.path, options_.command, {}, files_, state_dir_};
    const char* theirs = std::getenv("LD_PRELOAD");
    const bool others = theirs != nullptr && theirs[0] != '\0' && library_ != theirs;
    launch.environment["LD_PRELOAD"] = others ? library_ + ":" + theirs : library_;
    launch.environment[kGateSocketVariable] = session_.gate_socket;
    if (quiet_) launch.environment[kGateQuietVariable] = "1";
    return launch;
  }

  // The command has ended; was it gated, and what was it denied?
  int Conclude(int exit_status) {
    const std::string ended =
        "; the command itself ended with status " + std::to_string(exit_status);
    const auto session = ShowOnceGreeted();
    if (!session) return Trouble(session.error().message + ended);
    if (session->hellos == 0) {
      return Trouble("the gate was never loaded into the command, so nothing was held back" +
                     ended);
    }
    if (session->denials > 0) ShowDenials();
    // The session would end with this connection too; so it is on record that it was closed.
    (void)daemon_->Call({{"command", "session.close"}, {"session", session_.id}}).ok();
    return exit_status;
  }

  // The session as it is now. A gate says hello without waiting for an answer, so a command that
  // was quick may have ended before the daemon took its hello up.
  Result<SessionInfo> ShowOnceGreeted() {
    const auto deadline = std::chrono::steady_clock::now() + kHelloPatience;
    for (;;) {
      const auto response = daemon_->Call({{"command", "session.show"}, {"session", session_.id}});
      if (!response) return response.error();
      auto session = SessionOf(*response);
      if (!session || session->hellos > 0) return session;
      if (std::chrono::steady_clock::now() > deadline) return session;
      std::this_thread::sleep_for(kHelloPause);
    }
  }

  void ShowDenials() const {
    if (quiet_) return;
    const auto summary = SummariseDenials(StatePaths(state_dir_).ledger(), session_.id);
    if (!summary) return Complain("show what was denied: " + summary.error().message);
    (void)std::fputs(summary->c_str(), stderr);
  }

  void Note(const std::string& text) const {
    if (!quiet_) Complain(text);
  }

  // The program's name, as far as it makes a label.
  std::string DefaultLabel() const {
    const std::string name = std::filesystem::path(options_.command.front()).filename().string();
    return CheckLabel(name) ? name : "run";
  }

  const CommonOptions& common_;
  const RunOptions& options_;
  const bool quiet_;
  FoundProgram program_;
  std::string library_;
  std::string state_dir_;
  SessionRules rules_;
  std::optional<ControlClient> daemon_;
  SessionInfo session_;
  std::vector<PrivateFile> files_;
};

}  // namespace

int Run(const CommonOptions& common, const RunOptions& options) {
  return GatedRun(common, options).Execute();
}

}  // namespace namegate::command
