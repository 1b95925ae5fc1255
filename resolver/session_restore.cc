
#include <algorithm>
#include <filesystem>

#include "common/wall_clock.h"
#include "resolver/ledger_damage.h"
#include "resolver/log.h"
#include "resolver/session_manager.h"

// What SessionManager does when the daemon starts: sessions of the daemon before it.

namespace namegate::resolver {

Result<void> SessionManager::Restore(const std::string& path) {
  auto open = ReadOpenSessions(path);
  if (!open) return Error{"read the open sessions: " + open.error().message};
  auto connections = ReadOpenConnections(path);
  if (!connections) return Error{"read the open connections: " + connections.error().message};
  for (const OpenSession& opened : *open) {
    auto restored = RestoreSession(opened);
    if (restored) continue;
    LogWarning("session " + std::to_string(opened.id) +
               " cannot be opened again, so it is closed: " + restored.error().message);
    SessionClosedRow row{opened.id, NowMicroseconds(), "not-restored", {}};
    for (const OpenConnection& lost : *connections) {
      if (lost.session != opened.id) continue;
      row.connections.push_back({lost.connection, row.time_us, std::nullopt, Ending::kUnknown});
    }
    endings_.Record(std::move(row));
  }
  RemoveStaleSockets();
  RestoreConnections(*connections);
  if (sessions_.size() > 0) {
    LogInfo(std::to_string(sessions_.size()) + " sessions are open again");
    if (auto leases = RestoreLeases(path); !leases) {
      LogError("leases are not restored, so names must be resolved again: " +
               leases.error().message);
      if (IsDamagedLedger(path)) ledger_.SetAside(leases.error().message);
    }
  }
  AwaitOwners();
  return {};
}

Result<void> SessionManager::RestoreSession(const OpenSession& opened) {
  auto rules = Policy::RulesFromText(opened.policy);
  if (!rules) return rules.error();
  auto session = std::make_shared<Session>(std::move(rules).value());
  const auto nameserver = Endpoint::FromText(opened.listen);
  if (!nameserver) return Error{"'" + opened.listen + "' is no address"};
  session->nameserver = *nameserver;
  std::optional<ListenSockets> sockets;
  if (!opened.client.empty()) {
    session->client = IpPrefix::FromText(opened.client);
    if (!session->client) return Error{"'" + opened.client + "' is no range of addresses"};
    if (shared_endpoints_.empty()) return Error{"no address is shared any more (--listen)"};
    session->nameserver = shared_endpoints_.front();
  } else {
    auto bound = BindNameserver(*nameserver);
    if (!bound) return bound.error();
    sockets = std::move(bound).value();
  }
  session->id = opened.id;
  session->label = opened.label;
  session->gate = opened.gate;
  session->token = opened.token;
  session->opened_us = opened.opened_us;
  session->owned = opened.owned;
  auto gates = OpenGates(session);
  if (!gates) return gates.error();
  sessions_.Add(session);
  if (session->owned) orphans_.insert(session->id);
  Services& services = services_[session->id];
  services = std::move(gates).value();
  if (sockets) services.listeners = StartListeners(std::move(*sockets), session->id);
  return {};
}

// Without leases programs ask again; a ledger that cannot be read so far must not keep them from
// it.
Result<void> SessionManager::RestoreLeases(const std::string& path) {
  const int64_t now_us = NowMicroseconds();
  const auto since = [&](auto age) { return now_us - std::chrono::microseconds(age).count(); };
  const auto used = ReadUsedLeases(path, since(terms_.floor + terms_.grace));
  if (!used) return Error{"read what was connected to: " + used.error().message};
  const auto answered = ReadAnsweredAddresses(path, since(kOldestLease));
  if (!answered) return Error{"read what was answered: " + answered.error().message};
  // Both are the latest first, and a lease names the query that was granted last.
  std::for_each(used->rbegin(), used->rend(),
                [&](const UsedLease& lease) { RestoreUsedLease(lease, now_us); });
  std::for_each(answered->rbegin(), answered->rend(),
                [&](const AnsweredAddress& answer) { RestoreAnswer(answer, now_us); });
  return {};
}

// Each use extended the lease, whatever it was before.
void SessionManager::RestoreUsedLease(const UsedLease& used, int64_t now_us) {
  const auto session = sessions_.Find(used.session);
  const std::chrono::microseconds age(now_us - used.used_us);
  const auto term = terms_.floor + terms_.grace;
  // What lies in the future was before the clock was set back: how long ago is unknown.
  if (!session || age < std::chrono::microseconds(0) || age >= term) return;
  pipeline_.Grant(*session, used.name, used.address, used.query_id, term - age);
}

void SessionManager::RestoreAnswer(const AnsweredAddress& answer, int64_t now_us) {
  const auto session = sessions_.Find(answer.session);
  const std::chrono::microseconds age(now_us - answer.answered_us);
  const auto term = std::max(std::chrono::seconds(answer.ttl_s), terms_.floor) + terms_.grace;
  if (!session || age < std::chrono::microseconds(0) || age >= term) return;
  pipeline_.Grant(*session, answer.qname, answer.address, answer.query_id, term - age);
}

void SessionManager::RestoreConnections(const std::vector<OpenConnection>& connections) {
  std::map<int64_t, std::vector<CarriedConnection>> of_sessions;
  for (const OpenConnection& open : connections) {
    of_sessions[open.session].push_back({open.connection, open.protocol, open.to, open.name});
  }
  for (auto& [id, carried] : of_sessions) {
    const auto services = services_.find(id);
    if (services != services_.end() && services->second.relay) {
      services->second.relay->Restore(carried);
    }
  }
}

void SessionManager::AwaitOwners() {
  if (orphans_.empty()) return;
  adoption_timer_.Make(this, [&](uv_timer_t* timer) { return uv_timer_init(loop_, timer); });
  uv_timer_start(
      adoption_timer_.get(),
      [](uv_timer_t* timer) { static_cast<SessionManager*>(timer->data)->CloseOrphans(); },
      static_cast<uint64_t>(patience_.limit.count()), 0);
}

void SessionManager::CloseOrphans() {
  for (const int64_t id : std::set<int64_t>(orphans_)) Close(id, "owner-gone");
  adoption_timer_.Reset();
  patience_.ended();
}

Result<std::shared_ptr<Session>> SessionManager::Adopt(int64_t id, bool preload) {
  auto session = sessions_.Find(id);
  if (!session) return Error{"no session " + std::to_string(id) + " is open"};
  if (orphans_.erase(id) == 0) {
    return Error{"session " + std::to_string(id) + " is not one whose owner the daemon has lost"};
  }
  session->preload = preload;
  return session;
}

// A daemon that was killed leaves its sockets: nobody can answer there, and its lock is ours. Those
// of sessions that are open again have been taken over.
void SessionManager::RemoveStaleSockets() const {
  std::set<std::string> ours;
  for (const auto& session : sessions_.all()) {
    ours.insert(paths_.session_directory(session->token));
    ours.insert(paths_.relay_socket(session->token));
  }
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(paths_.gate_directory(), ignored)) {
    if (!ours.contains(entry.path().string())) std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace namegate::resolver
