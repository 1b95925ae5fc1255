#include "gate/command/attach_command.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "common/endpoint.h"
#include "common/escape.h"
#include "common/held_signals.h"
#include "gate/command/denial_summary.h"
#include "gate/command/output.h"
#include "gate/command/owned_session.h"
#include "gate/enclave/enclave.h"
#include "gate/enclave/target_namespace.h"

namespace namegate::command {
namespace {

// How often it is looked whether the session is still open, and for a daemon that has gone.
constexpr int kLookMs = 500;

// One attachment from its options to its exit status, the steps in the order in which they happen.
class Attachment {
 public:
  Attachment(const CommonOptions& common, const AttachOptions& options)
      : common_(common), options_(options) {}

  int Execute() {
    for (const auto step :
         {&Attachment::CheckCaller, &Attachment::OpenTarget, &Attachment::ReadRules,
          &Attachment::OpenSession, &Attachment::Attach}) {
      if (auto done = (this->*step)(); !done) return Fail(done.error().message);
    }
    // Until everything is in place they end this process, as they would any.
    const UniqueFd signals = HoldSignals({SIGINT, SIGTERM, SIGHUP, SIGQUIT});
    Announce();
    const Result<void> ended = Wait(signals.get());
    Conclude();
    return ended ? kOk : Fail(ended.error().message);
  }

 private:
  Result<void> CheckCaller() {
    if (geteuid() == 0) return {};
    return Error{
        "attach: only root may enter another process's network; an ordinary user's command gets "
        "one by: namegate run"};
  }

  Result<void> OpenTarget() {
    auto target = enclave::TargetNamespace::Open(options_.pid);
    if (!target) return target.error();
    target_ = std::move(target).value();
    return {};
  }

  Result<void> ReadRules() {
    if (options_.label) {
      if (auto label = CheckLabel(*options_.label); !label) return label;
    }
    auto rules = ReadSessionRules(options_.rules);
    if (!rules) return rules.error();
    rules_ = std::move(rules).value();
    for (const std::string& rule : rules_.expired) Complain("expired, and left out: " + rule);
    if (rules_.empty()) Complain("no rule was given, so everything is denied; see --allow");
    return {};
  }

  Result<void> OpenSession() {
    nlohmann::json request = {{"gate", "enclave"}};
    rules_.AddTo(request);
    request["label"] = options_.label.value_or("pid-" + std::to_string(options_.pid));
    auto session = OwnedSession::Open(common_, options_.upstreams, std::move(request), true);
    if (!session) return session.error();
    session_.emplace(std::move(session).value());
    return {};
  }

  Result<void> Attach() {
    const auto nameserver = Endpoint::FromText(session_->info().nameserver);
    if (!nameserver) return Error{"the daemon named no name server for the session"};
    auto attached = enclave::Enclave::Attach(
        {*nameserver, session_->info().relay_socket, /*attached=*/true}, target_.network.get());
    if (!attached) {
      return Error{"attach to process " + std::to_string(options_.pid) + ": " +
                   attached.error().message};
    }
    enclave_.emplace(std::move(attached).value());
    return {};
  }

  // Whoever started us waits for it.
  void Announce() const {
    const SessionInfo& session = session_->info();
    const std::string nameserver = enclave::InnerNameserver().ToText();
    if (common_.json) {
      PrintJson({{"session", session.id},
                 {"label", session.label},
                 {"pid", options_.pid},
                 {"nameserver", nameserver}});
    } else {
      const std::string id = std::to_string(session.id);
      const std::string pid = std::to_string(options_.pid);
      Print("# session " + id + " (" + Printable(session.label) +
            ") is attached to the network of process " + pid +
            ",\n# until that ends, this command does, or: namegate session close " + id +
            "\n# its /etc/resolv.conf may name any server that is not on loopback; the nearest is\n"
            "nameserver " +
            nameserver + "\n");
    }
    (void)std::fflush(stdout);
  }

  // The error says why the session ended by itself.
  Result<void> Wait(int signals) {
    for (;;) {
      std::array<pollfd, 4> events = {{{signals, POLLIN, 0},
                                       {target_.process.get(), POLLIN, 0},
                                       {enclave_->relay_fd(), POLLIN, 0},
                                       {session_->fd(), POLLIN, 0}}};
      if (poll(events.data(), events.size(), kLookMs) < 0 && errno != EINTR) {
        return Error{"wait: out of memory"};
      }
      if (events[0].revents != 0 || events[1].revents != 0) return {};
      if (events[2].revents != 0) return Error{"the relay ended, and with it the network"};
      if (auto attended = session_->Attend(); !attended) return attended;
      if (access(session_->info().relay_socket.c_str(), F_OK) != 0 && errno == ENOENT) {
        return Error{"the session was closed"};
      }
    }
  }

  // Each step is of use without the one before.
  void Conclude() {
    enclave_->Settle();
    (void)enclave_->Detach().ok();
    const int64_t id = session_->info().id;
    const auto session = session_->Call({{"command", "session.show"}, {"session", id}});
    if (session) ShowDenials(*session);
    (void)session_->Close().ok();
  }

  void ShowDenials(const nlohmann::json& response) const {
    const auto session = SessionOf(response);
    if (!session || !session_->MayHaveHad(session->denials)) return;
    const auto summary = SummariseDenials(session_->ledger(), session->id);
    if (summary) (void)std::fputs(summary->c_str(), stderr);
  }

  const CommonOptions& common_;
  const AttachOptions& options_;
  enclave::TargetNamespace target_;
  SessionRules rules_;
  std::optional<OwnedSession> session_;
  std::optional<enclave::Enclave> enclave_;
};

}  // namespace

int AttachSession(const CommonOptions& common, const AttachOptions& options) {
  return Attachment(common, options).Execute();
}

}  // namespace namegate::command
