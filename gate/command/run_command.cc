#include "gate/command/run_command.h"

#include <unistd.h>

#include <algorithm>
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
#include "common/system_error.h"
#include "gate/command/denial_summary.h"
#include "gate/command/foreground.h"
#include "gate/command/inner_gate.h"
#include "gate/command/installation.h"
#include "gate/command/masked_sockets.h"
#include "gate/command/output.h"
#include "gate/command/own_loopback.h"
#include "gate/command/owned_session.h"
#include "gate/command/private_files.h"
#include "gate/command/program.h"
#include "gate/command/session_info.h"
#include "gate/enclave/enclave.h"

namespace namegate::command {
namespace {

constexpr char kDefaultPolicyFile[] = ".namegate.toml";
constexpr char kEnclave[] = "enclave";
constexpr char kPreload[] = "preload";
// How often a daemon that has gone is looked for.
constexpr int kComeBackPauseMs = 200;
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
      : common_(common),
        options_(options),
        gate_(options.gate.empty() ? kEnclave : options.gate),
        quiet_(IsQuiet(options)) {}

  int Execute() {
    program_ = FindProgram(options_.command.front());
    if (program_.exit_status != 0) {
      Complain(program_.trouble);
      return program_.exit_status;
    }
    for (const auto step : {&GatedRun::CheckGate, &GatedRun::ReadRules, &GatedRun::PlanMasking,
                            &GatedRun::OpenSession, &GatedRun::PlanFiles, &GatedRun::PlanInnerGate,
                            &GatedRun::StartEnclave}) {
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
  bool in_enclave() const { return gate_ == kEnclave; }

  Result<void> CheckGate() {
    if (in_enclave()) return {};
    if (gate_ != kPreload) {
      return Error{"--gate: '" + Printable(gate_) + "' is not one; choose enclave or preload"};
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
    if (in_enclave()) {
      for (const std::string& rule : RulesForLoopback(rules_)) {
        Note(rule +
             " is the command's own loopback in the enclave, which needs no rule; the host's "
             "is there with --gate preload only");
      }
    }
    return {};
  }

  // What the command is to see in place of the host's own.
  Result<void> PlanMasking() {
    auto config = Config::Load(common_.config, common_.state_dir);
    if (!config) return config.error();
    state_dir_ = config->state_dir;
    other_state_dirs_ = {StatePaths::DefaultDirectory()};
    if (const auto usual = Config::Load({}, {})) other_state_dirs_.push_back(usual->state_dir);
    std::erase(other_state_dirs_, state_dir_);
    if (!in_enclave()) {
      if (options_.expose.empty()) return {};
      return Error{"--expose: the preload gate hides no socket; it is for the enclave"};
    }
    auto masks = PlanMasks(config->mask, options_.expose);
    if (!masks) return masks.error();
    masks_ = std::move(masks).value();
    return {};
  }

  Result<void> OpenSession() {
    const auto library = FindGateLibrary();
    nlohmann::json request = {{"gate", gate_}};
    rules_.AddTo(request);
    request["label"] = options_.label.value_or(DefaultLabel());
    if (in_enclave()) request["preload"] = library.ok();
    if (!options_.expose.empty()) request["exposed"] = options_.expose;
    auto session =
        OwnedSession::Open(common_, options_.upstreams, std::move(request), in_enclave());
    if (!session) return session.error();
    session_.emplace(std::move(session).value());
    return library || !in_enclave() ? Result<void>() : WithoutInnerGate(library.error());
  }

  Result<void> WithoutInnerGate(const Error& why) const {
    Note("denials come without an explanation, because the preload gate is not there: " +
         why.message);
    return {};
  }

  Result<void> PlanFiles() {
    if (in_enclave()) return PlanFilesFor(enclave::InnerNameserver());
    const auto nameserver = Endpoint::FromText(session_->info().nameserver);
    if (!nameserver || nameserver->port != kDnsPort) {
      return Error{"the session's name server '" + Printable(session_->info().nameserver) +
                   "' is not on port 53, the only one that a resolv.conf can name"};
    }
    return PlanFilesFor(nameserver->address);
  }

  Result<void> PlanFilesFor(const IpAddress& nameserver) {
    auto files = PlanPrivateFiles(nameserver);
    if (!files) return files.error();
    files_ = std::move(files).value();
    return {};
  }

  Result<void> PlanInnerGate() {
    const auto library = FindGateLibrary();
    if (!in_enclave() || !library) return {};
    auto planned = InnerGate::Plan(
        *library, std::filesystem::path(session_->info().gate_socket).parent_path().string());
    if (!planned) return WithoutInnerGate(planned.error());
    inner_gate_.emplace(std::move(planned).value());
    return {};
  }

  Result<void> StartEnclave() {
    if (!in_enclave()) return {};
    const auto nameserver = Endpoint::FromText(session_->info().nameserver);
    if (!nameserver) return Error{"the daemon named no name server for the session"};
    for (PrivateFile& mask : masks_.files) {
      const auto same = [&](const PrivateFile& file) { return file.target == mask.target; };
      if (std::ranges::none_of(files_, same)) files_.push_back(std::move(mask));
    }
    auto started = enclave::Enclave::Start({*nameserver, session_->info().relay_socket});
    if (!started) return started.error();
    enclave_.emplace(std::move(started).value());
    return {};
  }

  // In the child.
  Result<void> EnterEnclave() const {
    std::error_code nameless;
    const auto directory = std::filesystem::current_path(nameless);
    if (auto entered = enclave_->Enter([this] { return MakeMounts(); }); !entered) return entered;
    // To what has its name now: the directory itself may be one that is hidden by a mount.
    if ((nameless || chdir(directory.c_str()) != 0) && chdir("/") != 0) {
      return SystemError("change to '/'");
    }
    return enclave_->Seal();
  }

  Result<void> MakeMounts() const {
    // First, so that files below /etc are put on top of it. The wall stands without it.
    if (inner_gate_) {
      if (auto installed = inner_gate_->Install(state_dir_); !installed) {
        (void)WithoutInnerGate(installed.error()).ok();
      }
    }
    if (auto installed = InstallPrivateFiles(files_, state_dir_); !installed) return installed;
    if (auto hidden = HideDirectory(state_dir_); !hidden) return hidden;
    if (auto hidden = ForEachThere(other_state_dirs_, HideDirectory); !hidden) return hidden;
    return ForEachThere(masks_.directories, ReplaceDirectory);
  }

  // For those that do not lie in one that was hidden before.
  static Result<void> ForEachThere(const std::vector<std::string>& directories,
                                   Result<void> (*change)(const std::string&)) {
    std::error_code ignored;
    for (const std::string& directory : directories) {
      if (!std::filesystem::exists(directory, ignored)) continue;
      if (auto changed = change(directory); !changed) return changed;
    }
    return {};
  }

  Launch MakeLaunch() {
    Launch launch{program_.path, options_.command, {}, {}, {}};
    launch.companion = [this] { return AttendSession(); };
    if (in_enclave()) {
      launch.enter = [this] { return EnterEnclave(); };
      if (inner_gate_) launch.environment = inner_gate_->Environment();
    } else {
      launch.enter = [this] { return EnterPrivateFiles(files_, state_dir_); };
      const char* theirs = std::getenv("LD_PRELOAD");
      const bool others = theirs != nullptr && theirs[0] != '\0' && library_ != theirs;
      launch.environment["LD_PRELOAD"] = others ? library_ + ":" + theirs : library_;
      launch.environment[kGateSocketVariable] = session_->info().gate_socket;
    }
    if (quiet_) launch.environment[kGateQuietVariable] = "1";
    return launch;
  }

  void TellOfRelay() {
    if (!enclave_ || relay_lost_ || !enclave_->relay_ended()) return;
    relay_lost_ = true;
    Complain("the relay ended, and with it the command's network");
  }

  // While the command runs: the session outlives its daemon, and the network not its relay.
  Companion AttendSession() {
    TellOfRelay();
    if (auto attended = session_->Attend(); !attended) {
      Complain("everything new is refused from now on: " + attended.error().message);
    }
    const int relay = enclave_ && !relay_lost_ ? enclave_->relay_fd() : -1;
    if (session_->lost()) return {{relay, -1}, -1};
    return {{relay, session_->fd()}, session_->fd() < 0 ? kComeBackPauseMs : -1};
  }

  // The command has ended; was it gated, and what was it denied?
  int Conclude(int exit_status) {
    const std::string ended =
        "; the command itself ended with status " + std::to_string(exit_status);
    if (enclave_) enclave_->Settle();
    TellOfRelay();  // the command may have ended by its end, and sooner than that showed
    const auto session = ShowOnceGreeted();
    if (!session) return Trouble(session.error().message + ended);
    if (session->hellos == 0 && !in_enclave()) {
      return Trouble("the gate was never loaded into the command, so nothing was held back" +
                     ended);
    }
    if (session_->MayHaveHad(session->denials)) Show("what was denied", SummariseDenials);
    if (in_enclave() && session_->MayHaveHad(session->queries)) {
      Show("what was answered with loopback addresses", SummariseLoopbackAnswers);
    }
    // The session would end with this connection too; so it is on record that it was closed.
    (void)session_->Close().ok();
    return exit_status;
  }

  // The session as it is now. A gate says hello without waiting for an answer, so a command that
  // was quick may have ended before the daemon took its hello up.
  Result<SessionInfo> ShowOnceGreeted() {
    const auto deadline = std::chrono::steady_clock::now() + kHelloPatience;
    for (;;) {
      const auto response =
          session_->Call({{"command", "session.show"}, {"session", session_->info().id}});
      if (!response) return response.error();
      auto session = SessionOf(*response);
      if (!session || session->hellos > 0 || in_enclave()) return session;
      if (std::chrono::steady_clock::now() > deadline) return session;
      std::this_thread::sleep_for(kHelloPause);
    }
  }

  using Summary = Result<std::string>(const std::string& ledger_path, int64_t session);
  void Show(const std::string& what, Summary* summarise) const {
    if (quiet_) return;
    const auto summary = summarise(session_->ledger(), session_->info().id);
    if (!summary) return Complain("show " + what + ": " + summary.error().message);
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
  const std::string gate_;
  const bool quiet_;
  FoundProgram program_;
  std::string library_;
  std::string state_dir_;
  // Of the user's daemon without --state-dir, whose sessions are none of the command's business.
  std::vector<std::string> other_state_dirs_;
  SessionRules rules_;
  Masks masks_;
  std::optional<OwnedSession> session_;
  std::vector<PrivateFile> files_;
  std::optional<InnerGate> inner_gate_;
  std::optional<enclave::Enclave> enclave_;
  bool relay_lost_ = false;
};

}  // namespace

int Run(const CommonOptions& common, const RunOptions& options) {
  return GatedRun(common, options).Execute();
}

}  // namespace namegate::command
