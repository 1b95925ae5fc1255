#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/state_paths.h"
#include "resolver/gate_service.h"
#include "resolver/ledger_sessions.h"
#include "resolver/ledger_writer.h"
#include "resolver/listen_socket.h"
#include "resolver/pipeline.h"
#include "resolver/session_table.h"
#include "resolver/tcp_listener.h"
#include "resolver/udp_listener.h"

namespace namegate::resolver {

// What a session is opened with.
struct SessionRequest {
  std::vector<Rule> rules;
  std::string label;
  std::string gate = "none";
  std::optional<Endpoint> listen;  // its own name server's address; nothing: one of the pool
  std::optional<IpPrefix> client;  // known by its clients' addresses instead
  bool owned = false;              // ends with the connection that asks for it
};

// Opens and closes sessions: their sockets, their place in the table, their rows in the ledger.
class SessionManager {
 public:
  SessionManager(uv_loop_t* loop, SessionTable& sessions, Pipeline& pipeline, LedgerWriter& ledger,
                 const StatePaths& paths, LeaseTerms terms);
  SessionManager(const SessionManager&) = delete;
  SessionManager& operator=(const SessionManager&) = delete;
  ~SessionManager() = default;

  // Opens an address that sessions by client prefix share.
  Result<void> ListenShared(const Endpoint& endpoint);

  using Opened = std::function<void(Result<std::shared_ptr<Session>>)>;
  // `opened` is called when the session is recorded and answers, or with the reason why not;
  // perhaps before Open() returns.
  void Open(SessionRequest request, Opened opened);

  // Ends a session's leases and sockets at once and records why. False if no such session is open.
  bool Close(int64_t id, const std::string& why);
  // Those that have an owner, who is going with the daemon. The others are open for the next one.
  void CloseOwned(const std::string& why);

  // Opens the sessions again that the ledger at `path` says are open, each where it was, with the
  // leases that have not ended. One that cannot be is closed, with the reason in the log.
  Result<void> Restore(const std::string& path);

  // Takes no more queries and connections; what came in is still answered.
  void StopReceiving();

  std::string GateSocketOf(const Session& session) const {
    return paths_.gate_socket(session.token);
  }

 private:
  // No lease is rebuilt from an answer that is older.
  static constexpr std::chrono::hours kOldestLease{24};

  struct Listeners {
    std::shared_ptr<UdpListener> udp;
    std::unique_ptr<TcpListener> tcp;
  };
  struct Services {
    Listeners listeners;
    std::unique_ptr<GateService> gate;
  };

  Result<void> RestoreSession(const OpenSession& opened);
  Result<void> RestoreLeases(const std::string& path);
  Result<ListenSockets> SocketsFor(const SessionRequest& request) const;
  Result<void> CheckClient(const SessionRequest& request) const;
  Listeners StartListeners(ListenSockets sockets, int64_t session);
  void RecordOpening(const std::shared_ptr<Session>& session, std::optional<ListenSockets> sockets,
                     std::unique_ptr<GateService> gate, Opened opened);

  uv_loop_t* loop_;
  SessionTable& sessions_;
  Pipeline& pipeline_;
  LedgerWriter& ledger_;
  StatePaths paths_;
  LeaseTerms terms_;
  std::vector<Listeners> shared_;
  std::vector<Endpoint> shared_endpoints_;
  std::map<int64_t, Services> services_;
};

}  // namespace namegate::resolver
