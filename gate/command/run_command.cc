#include "gate/command/run_command.h"

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
#include "common/random.h"
#include "common/state_paths.h"
#include "gate/command/daemon.h"
#include "gate/command/denial_summary.h"
#include "gate/command/foreground.h"
#include "gate/command/installation.h"
#include "gate/command/output.h"
#include "gate/command/private_files.h"
#include "gate/command/program.h"
#include "gate/command/session_info.h"
#include "gate/enclave/enclave.h"

namespace namegate::command {
namespace {

constexpr char kDefaultPolicyFile[] = ".namegate.toml";
constexpr uint16_t kDnsPort = 53;
constexpr char kEnclave[] = "enclave";
constexpr char kPreload[] = "preload";
// A drawn address may be taken by another session.
constexpr int kListenAttempts = 8;
constexpr std::chrono::seconds kHelloPatience{2};
constexpr std::chrono::milliseconds kHelloPause{5};

bool IsQuiet(const RunOptions& options) {
  const char* quiet = std::getenv(kGateQuietVariable);
  return options.quiet || (quiet != nullptr && std::string_view(quiet) == "1");
}

// An address of its own for the session's name server, on a port that needs no privilege: the
// command finds its name server by the gateway.
std::string DrawListenAddress() {
  const uint32_t random = RandomU32();
  const auto address =
      IpAddress::V4(127, static_cast<uint8_t>(128 + random % 64), static_cast<uint8_t>(random >> 8),
                    static_cast<uint8_t>(1 + (random >> 16) % 254));
  return Endpoint{address, static_cast<uint16_t>(20'000 + RandomU32() % 12'000)}.ToText();
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
    for (const auto step : {&GatedRun::CheckGate, &GatedRun::ReadRules, &GatedRun::OpenSession,
                            &GatedRun::PlanFiles, &GatedRun::StartEnclave}) {
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
    return {};
  }

  Result<void> OpenSession() {
    auto config = Config::Load(common_.config, common_.state_dir);
    if (!config) return config.error();
    state_dir_ = config->state_dir;
    auto daemon = FindOrStartDaemon(common_, options_.upstreams);
    if (!daemon) return daemon.error();
    daemon_.emplace(std::move(daemon).value());
    nlohmann::json request = {{"command", "session.open"}, {"gate", gate_}, {"owned", true}};
    rules_.AddTo(request);
    request["label"] = options_.label.value_or(DefaultLabel());
    auto response = OpenBy(request);
    if (!response) return response.error();
    auto session = SessionOf(*response);
    if (!session) return session.error();
    session_ = std::move(session).value();
    return {};
  }

  Result<nlohmann::json> OpenBy(nlohmann::json& request) {
    if (!in_enclave()) return CallDaemon(*daemon_, request);
    for (int attempt = 1;; ++attempt) {
      request["listen"] = DrawListenAddress();
      auto response = CallDaemon(*daemon_, request);
      if (response || attempt == kListenAttempts) return response;
    }
  }

  Result<void> PlanFiles() {
    if (in_enclave()) return PlanFilesFor(enclave::InnerNameserver());
    const auto nameserver = Endpoint::FromText(session_.nameserver);
    if (!nameserver || nameserver->port != kDnsPort) {
      return Error{"the session's name server '" + Printable(session_.nameserver) +
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

  // Whoever answers behind these sockets reaches the network on his own account.
  void MaskSockets() {
    for (const std::string& path : enclave::SocketsThatLeadOut()) {
      std::error_code ignored;
      const std::string real = std::filesystem::canonical(path, ignored).string();
      const auto same = [&](const PrivateFile& file) { return file.target == real; };
      if (!real.empty() && std::ranges::none_of(files_, same)) files_.push_back({real, ""});
    }
  }

  Result<void> StartEnclave() {
    if (!in_enclave()) return {};
    const auto nameserver = Endpoint::FromText(session_.nameserver);
    if (!nameserver) return Error{"the daemon named no name server for the session"};
    MaskSockets();
    auto started = enclave::Enclave::Start({*nameserver, session_.gate_socket});
    if (!started) return started.error();
    enclave_.emplace(std::move(started).value());
    return {};
  }

  // In the child.
  Result<void> EnterEnclave() const {
    if (auto entered = enclave_->Enter(); !entered) return entered;
    if (auto installed = InstallPrivateFiles(files_, state_dir_); !installed) return installed;
    if (auto hidden = HideDirectory(state_dir_); !hidden) return hidden;
    return enclave_->Seal();
  }

  Launch MakeLaunch() const {
    Launch launch{program_.path, options_.command, {}, {}};
    if (in_enclave()) {
      launch.enter = [this] { return EnterEnclave(); };
      return launch;
    }
    launch.enter = [this] { return EnterPrivateFiles(files_, state_dir_); };
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
    if (session->hellos == 0 && !in_enclave()) {
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
      if (!session || session->hellos > 0 || in_enclave()) return session;
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
  const std::string gate_;
  const bool quiet_;
  FoundProgram program_;
  std::string library_;
  std::string state_dir_;
  SessionRules rules_;
  std::optional<ControlClient> daemon_;
  SessionInfo session_;
  std::vector<PrivateFile> files_;
  std::optional<enclave::Enclave> enclave_;
};

}  // namespace

int Run(const CommonOptions& common, const RunOptions& options) {
  return GatedRun(common, options).Execute();
}

}  // namespace namegate::command
