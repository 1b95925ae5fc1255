#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/state_paths.h"
#include "resolver/gate_service.h"
#include "resolver/insistent_recorder.h"
#include "resolver/ledger_sessions.h"
#include "resolver/ledger_writer.h"
#include "resolver/listen_socket.h"
#include "resolver/pipeline.h"
#include "resolver/relay_service.h"
#include "resolver/session_table.h"
#include "resolver/tcp_listener.h"
#include "resolver/udp_listener.h"

namespace namegate::resolver {

// What a session is opened with.
struct SessionRequest {
  std::vector<Rule> rules;
  std::string label;
  std::string gate = "none";
  std::optional<Endpoint> listen;    // its own name server's address; nothing: one of the pool
  std::optional<IpPrefix> client;    // known by its clients' addresses instead
  bool owned = false;                // ends with the connection that asks for it
  bool preload = false;              // the gate "enclave" has the preload gate inside as well
  std::vector<std::string> exposed;  // sockets of the host that it sees, for the record
};

// How an open session's policy is changed: `remove` first, by their texts, then `add`.
struct PolicyUpdate {
  std::vector<Rule> add;
  std::vector<std::string> remove;
};

// Opens and closes sessions: their sockets, their place in the table, their rows in the ledger.
class SessionManager {
 public:
  struct Patience {
    // How long owners may take to come back after the daemon was killed.
    std::chrono::milliseconds limit;
    // Called when sessions were closed because theirs did not.
    std::function<void()> ended;
  };
  SessionManager(uv_loop_t* loop, SessionTable& sessions, Pipeline& pipeline, LedgerWriter& ledger,
                 const StatePaths& paths, LeaseTerms terms, Patience patience);
  SessionManager(const SessionManager&) = delete;
  SessionManager& operator=(const SessionManager&) = delete;
  ~SessionManager();

  // Opens an address that sessions by client prefix share.
  Result<void> ListenShared(const Endpoint& endpoint);

  using Opened = std::function<void(Result<std::shared_ptr<Session>>)>;
  // `opened` is called when the session is recorded and answers, or with the reason why not;
  // perhaps before Open() returns.
  void Open(SessionRequest request, Opened opened);

  // An owned session whose owner the daemon before this one had: it has one again, and `preload`
  // says what it is opened with. The error is for the owner.
  Result<std::shared_ptr<Session>> Adopt(int64_t id, bool preload);

  // `updated` is called when the change is recorded and in force, or with the reason why not;
  // perhaps before Update() returns. Leases that the new policy does not allow end at once, and
  // (enclave) connections.
  void Update(int64_t id, PolicyUpdate update, Opened updated);

  using Recorded = std::function<void(bool committed)>;
  // Ends a session's leases and sockets at once and records why; `recorded` is called when that is
  // in the ledger. If it cannot be, `recorded` is told so, and it is tried until it can. False if
  // no such session is open.
  bool Close(
      int64_t id, const std::string& why, Recorded recorded = [](bool) {});
  // Those that have an owner, who is going with the daemon. The others are open for the next one.
  void CloseOwned(const std::string& why);

  // Opens the sessions again that the ledger at `path` says are open, each where it was, with the
  // leases that have not ended. One that cannot be is closed, with the reason in the log; so is one
  // that had an owner who does not come back soon.
  Result<void> Restore(const std::string& path);

  // Takes no more queries and connections; what came in is still answered.
  void StopReceiving();

  std::string GateSocketOf(const Session& session) const {
    return paths_.gate_socket(session.token);
  }
  // Empty if the session is not an enclave's.
  std::string RelaySocketOf(const Session& session) const {
    return session.gate == "enclave" ? paths_.relay_socket(session.token) : "";
  }

 private:
  // A session whose policy is changed more often is a program's, and should be another session.
  static constexpr size_t kMaxPolicyChanges = 1'000;
  // No lease is rebuilt from an answer that is older.
  static constexpr std::chrono::hours kOldestLease{24};

  struct Listeners {
    std::shared_ptr<UdpListener> udp;
    std::unique_ptr<TcpListener> tcp;
  };
  struct Services {
    Listeners listeners;
    std::unique_ptr<GateService> gate;
    std::unique_ptr<RelayService> relay;  // of an enclave's session
  };

  Result<void> RestoreSession(const OpenSession& opened);
  Result<void> RestoreLeases(const std::string& path);
  void RestoreConnections(const std::vector<OpenConnection>& connections);
  void AwaitOwners();
  void CloseOrphans();
  void RemoveStaleSockets() const;
  // The gate sockets of a session.
  Result<Services> OpenGates(const std::shared_ptr<Session>& session);
  Result<std::vector<Rule>> UpdatedRules(const Session& session, PolicyUpdate update) const;
  void RestoreUsedLease(const UsedLease& used, int64_t now_us);
  void RestoreAnswer(const AnsweredAddress& answer, int64_t now_us);
  Result<ListenSockets> SocketsFor(const SessionRequest& request) const;
  Result<void> CheckClient(const SessionRequest& request) const;
  Listeners StartListeners(ListenSockets sockets, int64_t session);
  void RecordOpening(const std::shared_ptr<Session>& session, std::optional<ListenSockets> sockets,
                     Services services, std::vector<std::string> exposed, Opened opened);

  uv_loop_t* loop_;
  SessionTable& sessions_;
  Pipeline& pipeline_;
  LedgerWriter& ledger_;
  StatePaths paths_;
  LeaseTerms terms_;
  // Until a session's end is in the ledger, a restart would open it again.
  InsistentRecorder endings_;
  std::vector<Listeners> shared_;
  std::vector<Endpoint> shared_endpoints_;
  std::map<int64_t, Services> services_;
  std::set<int64_t> orphans_;  // owned sessions of an earlier daemon that nobody has adopted yet
  UvHandle<uv_timer_t> adoption_timer_;
  Patience patience_;
};

}  // namespace namegate::resolver
