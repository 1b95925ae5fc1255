#pragma once

#include <uv.h>

#include <memory>

#include "common/config.h"
#include "common/result.h"
#include "common/state_paths.h"
#include "common/unique_fd.h"
#include "resolver/control_service.h"
#include "resolver/forwarder.h"
#include "resolver/host_resolvers.h"
#include "resolver/ledger_writer.h"
#include "resolver/pipeline.h"
#include "resolver/session_manager.h"
#include "resolver/session_table.h"
#include "resolver/uv_handle.h"

namespace namegate::resolver {

// The daemon: makes the parts, introduces them to each other, and ends in good order.
class Daemon {
 public:
  struct Options {
    Config config;
    // Leave when neither a session nor a control connection is left, or none comes.
    bool exit_when_idle = false;
  };

  // Takes the state directory, opens the ledger and the control socket.
  static Result<std::unique_ptr<Daemon>> Start(const Options& options);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon();

  // Serves until SIGTERM, SIGINT or idleness. What was accepted by then is recorded and answered.
  void Run();

 private:
  // Upstreams take up to 4.5 s to fail; what is not answered after this is given up.
  static constexpr uint64_t kStopDeadline_ms = 6'000;
  static constexpr uint64_t kStopCheck_ms = 5;
  // A network that was changed is noticed before its user has a browser open.
  static constexpr uint64_t kReadHostResolvers_ms = 2'000;
  // Whoever started a daemon that exits when idle comes at once, or never.
  static constexpr uint64_t kFirstComer_ms = 10'000;

  explicit Daemon(const Options& options);
  Result<void> Prepare();
  Result<void> TakeStateDirectory();
  Result<void> OpenLedger();
  Result<void> FindUpstreams();
  void WatchHostResolvers();
  void ReadHostResolvers();
  Result<void> OpenSockets();
  Result<void> WatchSignals();
  void WaitForFirstComer();
  void OnIdle();
  void Stop(const char* why);
  void FinishStopping();
  nlohmann::json Status() const;

  Options options_;
  StatePaths paths_;
  LeaseTerms terms_;
  int64_t started_us_ = 0;
  UniqueFd lock_;
  uv_loop_t loop_{};
  UvHandle<uv_async_t> ledger_wake_;
  UniqueFd signals_;
  UvHandle<uv_poll_t> signals_poll_;
  UvHandle<uv_timer_t> stop_timer_;
  HostResolvers host_resolvers_;
  UvHandle<uv_timer_t> host_resolvers_timer_;
  UvHandle<uv_timer_t> first_comer_timer_;
  // Each uses those before it, so they go in reverse order.
  SessionTable sessions_;
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<LedgerWriter> ledger_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<SessionManager> manager_;
  std::unique_ptr<ControlService> control_;
  bool stopping_ = false;
  bool sessions_closed_ = false;
  uint64_t stop_deadline_ms_ = 0;
};

}  // namespace namegate::resolver
