#include "resolver/session_manager.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/random.h"
#include "resolver/wall_clock.h"

namespace namegate::resolver {

SessionManager::SessionManager(uv_loop_t* loop, SessionTable& sessions, Pipeline& pipeline,
                               LedgerWriter& ledger, const StatePaths& paths, LeaseTerms terms)
    : loop_(loop),
      sessions_(sessions),
      pipeline_(pipeline),
      ledger_(ledger),
      paths_(paths),
      terms_(terms) {}

Result<void> SessionManager::ListenShared(const Endpoint& endpoint) {
  auto sockets = BindNameserver(endpoint);
  if (!sockets) return sockets.error();
  shared_.push_back(StartListeners(std::move(sockets).value(), 0));
  shared_endpoints_.push_back(endpoint);
  return {};
}

SessionManager::Listeners SessionManager::StartListeners(ListenSockets sockets, int64_t session) {
  const auto handler = [this](const ReceivedQuery& query) { pipeline_.Handle(query); };
  Listeners listeners;
  listeners.udp = std::make_shared<UdpListener>(loop_, std::move(sockets.udp), session, handler);
  listeners.udp->Start(listeners.udp);
  listeners.tcp = std::make_unique<TcpListener>(loop_, std::move(sockets.tcp), session, handler);
  return listeners;
}

Result<void> SessionManager::CheckClient(const SessionRequest& request) const {
  if (request.listen) return Error{"a session is known by an address or by a client, not by both"};
  if (shared_endpoints_.empty()) {
    return Error{
        "sessions by client need an address that they share: start namegated with --listen ADDR"};
  }
  if (sessions_.HasClient(*request.client)) {
    return Error{"client " + request.client->ToText() + " has a session already"};
  }
  return {};
}

Result<ListenSockets> SessionManager::SocketsFor(const SessionRequest& request) const {
  return request.listen ? BindNameserver(*request.listen) : BindPoolAddress();
}

void SessionManager::Open(SessionRequest request, Opened opened) {
  auto session = std::make_shared<Session>(std::move(request.rules));
  std::optional<ListenSockets> sockets;
  if (request.client) {
    if (auto fine = CheckClient(request); !fine) return opened(fine.error());
    session->nameserver = shared_endpoints_.front();
  } else {
    auto bound = SocketsFor(request);
    if (!bound) return opened(bound.error());
    session->nameserver = bound->endpoint;
    sockets = std::move(bound).value();
  }
  session->id = ledger_.NextSessionId();
  session->label = std::move(request.label);
  session->gate = std::move(request.gate);
  session->client = request.client;
  session->owned = request.owned;
  session->token = RandomHex(kTokenBytes);
  session->opened_us = NowMicroseconds();
  auto gate = GateService::Listen(loop_, GateSocketOf(*session), session, ledger_, terms_);
  if (!gate) return opened(gate.error());
  RecordOpening(session, std::move(sockets), std::move(gate).value(), std::move(opened));
}

void SessionManager::RecordOpening(const std::shared_ptr<Session>& session,
                                   std::optional<ListenSockets> sockets,
                                   std::unique_ptr<GateService> gate, Opened opened) {
  SessionOpenedRow row;
  row.session = session->id;
  row.time_us = session->opened_us;
  row.label = session->label;
  row.gate = session->gate;
  row.policy = session->policy.ToText();
  row.listen = session->nameserver.ToText();
  row.client = session->client ? session->client->ToText() : "";
  row.token = session->token;
  row.owned = session->owned;
  // std::function copies what it holds, and descriptors cannot be copied.
  struct Held {
    std::optional<ListenSockets> sockets;
    std::unique_ptr<GateService> gate;
  };
  auto held = std::make_shared<Held>(Held{std::move(sockets), std::move(gate)});
  ledger_.Submit(std::move(row), [this, session, held, opened = std::move(opened)](bool committed) {
    if (!committed) {
      return opened(Error{"open a session: the ledger cannot be written: " + ledger_.trouble()});
    }
    sessions_.Add(session);
    Services& services = services_[session->id];
    services.gate = std::move(held->gate);
    if (held->sockets) {
      services.listeners = StartListeners(std::move(*held->sockets), session->id);
    }
    opened(session);
  });
}

bool SessionManager::Close(int64_t id, const std::string& why) {
  if (!sessions_.Find(id)) return false;
  sessions_.Remove(id);
  services_.erase(id);
  ledger_.Submit(SessionClosedRow{id, NowMicroseconds(), why}, [](bool) {});
  return true;
}

void SessionManager::CloseOwned(const std::string& why) {
  for (const auto& session : sessions_.all()) {
    if (session->owned) Close(session->id, why);
  }
}

Result<void> SessionManager::Restore(const std::string& path) {
  auto open = ReadOpenSessions(path);
  if (!open) return Error{"read the open sessions: " + open.error().message};
  for (const OpenSession& opened : *open) {
    auto restored = RestoreSession(opened);
    if (restored) continue;
    spdlog::warn("session {} cannot be opened again, so it is closed: {}", opened.id,
                 restored.error().message);
    ledger_.Submit(SessionClosedRow{opened.id, NowMicroseconds(), "not-restored"}, [](bool) {});
  }
  if (sessions_.size() == 0) return {};
  spdlog::info("{} sessions are open again", sessions_.size());
  return RestoreLeases(path);
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
  auto gate = GateService::Listen(loop_, GateSocketOf(*session), session, ledger_, terms_);
  if (!gate) return gate.error();
  sessions_.Add(session);
  Services& services = services_[session->id];
  services.gate = std::move(gate).value();
  if (sockets) services.listeners = StartListeners(std::move(*sockets), session->id);
  return {};
}

Result<void> SessionManager::RestoreLeases(const std::string& path) {
  const int64_t now_us = NowMicroseconds();
  auto answered =
      ReadAnsweredAddresses(path, now_us - std::chrono::microseconds(kOldestLease).count());
  if (!answered) return Error{"read what was answered: " + answered.error().message};
  for (const AnsweredAddress& answer : *answered) {
    const auto session = sessions_.Find(answer.session);
    if (!session) continue;
    const auto term = std::max(std::chrono::seconds(answer.ttl_s), terms_.floor) + terms_.grace;
    // An answer from the future was given before the clock was set back: how long ago is unknown.
    const std::chrono::microseconds age(now_us - answer.answered_us);
    if (age < std::chrono::microseconds(0) || age >= term) continue;
    pipeline_.Grant(*session, answer.qname, answer.address, answer.query_id,
                    std::chrono::duration_cast<std::chrono::microseconds>(term - age));
  }
  return {};
}

void SessionManager::StopReceiving() {
  for (const Listeners& listeners : shared_) {
    listeners.udp->StopReceiving();
    listeners.tcp->StopReceiving();
  }
  for (const auto& [id, services] : services_) {
    if (!services.listeners.udp) continue;
    services.listeners.udp->StopReceiving();
    services.listeners.tcp->StopReceiving();
  }
}

}  // namespace namegate::resolver
