#include "resolver/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdlib>

#include "common/held_signals.h"
#include "common/iso_time.h"
#include "common/system_error.h"
#include "common/wall_clock.h"
#include "resolver/control_request.h"
#include "resolver/log.h"

namespace namegate::resolver {
namespace {

// Each session and each question upstream costs descriptors; the usual soft limit is 1,024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Daemon::Daemon(const Options& options)
    : options_(options),
      paths_(options.config.state_dir),
      terms_{options.config.lease_floor, options.config.lease_grace},
      started_us_(NowMicroseconds()),
      host_resolvers_(options.config.resolv_conf) {
  uv_loop_init(&loop_);
}

Daemon::~Daemon() {
  control_.reset();
  manager_.reset();
  // Before the pipeline: its thread may wake the loop, and what it holds refers to the pipeline.
  ledger_.reset();
  pipeline_.reset();
  forwarder_.reset();
  ledger_wake_.Reset();
  stop_timer_.Reset();
  host_resolvers_timer_.Reset();
  first_comer_timer_.Reset();
  signals_poll_.Reset();
  uv_run(&loop_, UV_RUN_DEFAULT);  // lets the handles close
  uv_loop_close(&loop_);
}

Result<std::unique_ptr<Daemon>> Daemon::Start(const Options& options) {
  std::unique_ptr<Daemon> daemon(new Daemon(options));
  if (auto prepared = daemon->Prepare(); !prepared) return prepared.error();
  return daemon;
}

Result<void> Daemon::Prepare() {
  RaiseDescriptorLimit();
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) std::abort();
  for (const auto step : {&Daemon::TakeStateDirectory, &Daemon::FindUpstreams, &Daemon::OpenLedger,
                          &Daemon::OpenSockets, &Daemon::WatchSignals}) {
    if (auto done = (this->*step)(); !done) return done;
  }
  WaitForFirstComer();
  return {};
}

Result<void> Daemon::TakeStateDirectory() {
  if (auto created = paths_.Create(); !created) return created;
  lock_.Reset(open(paths_.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) return SystemError("open '" + paths_.lock() + "'");
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{"another namegated serves '" + paths_.directory() +
                 "'; use that one, or give this one a --state-dir of its own"};
  }
  return {};
}

Result<void> Daemon::FindUpstreams() {
  if (options_.config.upstreams.empty()) {
    if (!host_resolvers_.Read()) {
      return Error{"no upstream resolver is known: " + host_resolvers_.path() +
                   " names none; give one with --upstream ADDR"};
    }
    WatchHostResolvers();
  }
  forwarder_ = std::make_unique<Forwarder>(&loop_, options_.config.upstreams.empty()
                                                       ? host_resolvers_.upstreams()
                                                       : options_.config.upstreams);
  return {};
}

// Read again and again rather than watched: it is often a link to a file in another directory, and
// any of the links may be what changes.
void Daemon::WatchHostResolvers() {
  host_resolvers_timer_.Make(this, [&](uv_timer_t* timer) { return uv_timer_init(&loop_, timer); });
  uv_timer_start(
      host_resolvers_timer_.get(),
      [](uv_timer_t* timer) { static_cast<Daemon*>(timer->data)->ReadHostResolvers(); },
      kReadHostResolvers_ms, kReadHostResolvers_ms);
}

void Daemon::ReadHostResolvers() {
  if (!host_resolvers_.Read()) return;
  std::string names;
  for (const UpstreamAddress& upstream : host_resolvers_.upstreams()) {
    names += " " + upstream.ToText();
  }
  LogInfo(host_resolvers_.path() + " has changed, the upstream resolvers are now" + names);
  forwarder_->Replace(host_resolvers_.upstreams());
  pipeline_->ForgetAnswers();
}

Result<void> Daemon::OpenLedger() {
  const int code = ledger_wake_.Make(this, [&](uv_async_t* async) {
    return uv_async_init(&loop_, async, [](uv_async_t* woken) {
      auto* self = static_cast<Daemon*>(woken->data);
      if (self->ledger_) self->ledger_->RunCompletions();
    });
  });
  if (code != 0) return Error{std::string("prepare the event loop: ") + uv_strerror(code)};
  const Durability durability =
      options_.config.power_durability ? Durability::kPower : Durability::kProcess;
  uv_async_t* wake = ledger_wake_.get();
  auto key = SealKey::FromFile(paths_.ledger_key());
  if (!key) return key.error();
  auto ledger = LedgerWriter::Open(
      paths_.ledger(), durability, [wake] { uv_async_send(wake); }, *std::move(key),
      options_.config.retention);
  if (!ledger) return ledger.error();
  ledger_ = std::move(ledger).value();
  return {};
}

Result<void> Daemon::OpenSockets() {
  const Config& config = options_.config;
  pipeline_ = std::make_unique<Pipeline>(
      &loop_, sessions_, *forwarder_, *ledger_,
      PipelineOptions{.cache_entries = config.cache_entries,
                      .lease_terms = terms_,
                      .limits = {.queries_per_s = config.session_queries_per_s,
                                 .wildcard_names = config.wildcard_names,
                                 .wildcard_octets = config.wildcard_octets},
                      .deny = config.deny,
                      .private_ranges = config.private_ranges});
  manager_ = std::make_unique<SessionManager>(
      &loop_, sessions_, *pipeline_, *ledger_, paths_, terms_,
      SessionManager::Patience{config.owner_patience, [this] { OnIdle(); }});
  for (const Endpoint& endpoint : options_.config.listen) {
    if (auto shared = manager_->ListenShared(endpoint); !shared) return shared;
  }
  // Before anything is answered: programs find their leases as they were.
  if (auto restored = manager_->Restore(paths_.ledger()); !restored) return restored;
  auto control = ControlService::Listen(
      &loop_, paths_.control_socket(), *manager_, sessions_, [this] { return Status(); },
      [this] { OnIdle(); });
  if (!control) return control.error();
  control_ = std::move(control).value();
  return {};
}

// Not with uv_signal: ThreadSanitizer's runtime (GCC 12) loses one in some hundred signals that
// have a handler and come just before epoll_wait(2).
Result<void> Daemon::WatchSignals() {
  // A shell that starts it in the background may have had it ignore SIGINT.
  for (const int number : {SIGTERM, SIGINT}) (void)signal(number, SIG_DFL);
  signals_ = HoldSignals({SIGTERM, SIGINT});
  if (!signals_) return SystemError("watch for signals");
  const int code = signals_poll_.Make(
      this, [&](uv_poll_t* poll) { return uv_poll_init(&loop_, poll, signals_.get()); });
  if (code != 0) return Error{std::string("watch for signals: ") + uv_strerror(code)};
  uv_poll_start(signals_poll_.get(), UV_READABLE, [](uv_poll_t* poll, int, int) {
    auto* self = static_cast<Daemon*>(poll->data);
    signalfd_siginfo caught{};
    while (read(self->signals_.get(), &caught, sizeof caught) == ssize_t{sizeof caught}) {
      self->Stop(caught.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
    }
  });
  return {};
}

void Daemon::Run() {
  LogInfo("namegated " NAMEGATE_VERSION " serves '" + paths_.directory() + "'");
  uv_run(&loop_, UV_RUN_DEFAULT);
}

// Its launcher may have died before it connected.
void Daemon::WaitForFirstComer() {
  first_comer_timer_.Make(this, [&](uv_timer_t* timer) { return uv_timer_init(&loop_, timer); });
  uv_timer_start(
      first_comer_timer_.get(),
      [](uv_timer_t* timer) { static_cast<Daemon*>(timer->data)->OnIdle(); }, kFirstComer_ms, 0);
}

void Daemon::OnIdle() {
  if (options_.exit_when_idle && sessions_.size() == 0 && control_->connections() == 0) {
    Stop("nothing left to do");
  }
}

void Daemon::Stop(const char* why) {
  if (stopping_) return;
  stopping_ = true;
  LogInfo("stopping: " + std::string(why));
  control_->StopAccepting();
  manager_->StopReceiving();
  pipeline_->FlushCounted();
  stop_deadline_ms_ = uv_now(&loop_) + kStopDeadline_ms;
  stop_timer_.Make(this, [&](uv_timer_t* timer) { return uv_timer_init(&loop_, timer); });
  uv_timer_start(
      stop_timer_.get(),
      [](uv_timer_t* timer) { static_cast<Daemon*>(timer->data)->FinishStopping(); }, 0,
      kStopCheck_ms);
}

// Called again and again until everything that was accepted is recorded and answered.
void Daemon::FinishStopping() {
  const bool patient = uv_now(&loop_) < stop_deadline_ms_;
  const bool busy = pipeline_->in_flight() > 0 || ledger_->pending() > 0;
  if (busy && patient) return;
  if (!sessions_closed_) {
    sessions_closed_ = true;
    manager_->CloseOwned("daemon-stopped");
    return;  // their rows are on their way
  }
  uv_stop(&loop_);
}

nlohmann::json Daemon::Status() const {
  nlohmann::json upstreams = nlohmann::json::array();
  for (const UpstreamServer& server : forwarder_->servers()) {
    upstreams.push_back({{"address", server.address.ToText()},
                         {"ok", server.ok},
                         {"sent", server.sent},
                         {"failed", server.failed},
                         {"wrong_replies", server.wrong_replies},
                         {"trouble", server.tls ? server.tls->trouble() : ""}});
  }
  uint64_t connections = 0;
  for (const auto& session : sessions_.all()) connections += session->counters.connections;
  const std::string trouble = ledger_->trouble();
  return {{"version", NAMEGATE_VERSION},
          {"pid", getpid()},
          {"state_dir", paths_.directory()},
          {"ledger", paths_.ledger()},
          {"ledger_ok", trouble.empty()},
          {"ledger_trouble", trouble},
          {"started", IsoTime(started_us_)},
          {"exit_when_idle", options_.exit_when_idle},
          {"ledger_set_aside", ledger_->set_aside()},
          {"sessions", sessions_.size()},
          {"queries", pipeline_->handled()},
          {"connections", connections},
          {"cache_entries", pipeline_->cache_entries()},
          {"in_flight", pipeline_->in_flight()},
          {"upstreams", upstreams}};
}

}  // namespace namegate::resolver
