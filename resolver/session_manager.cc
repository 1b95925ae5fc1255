#include "resolver/session_manager.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/escape.h"
#include "common/random.h"
#include "common/system_error.h"
#include "common/wall_clock.h"

namespace namegate::resolver {

SessionManager::SessionManager(uv_loop_t* loop, SessionTable& sessions, Pipeline& pipeline,
                               LedgerWriter& ledger, const StatePaths& paths, LeaseTerms terms,
                               Patience patience)
    : loop_(loop),
      sessions_(sessions),
      pipeline_(pipeline),
      ledger_(ledger),
      paths_(paths),
      terms_(terms),
      endings_(loop, ledger),
      patience_(std::move(patience)) {}

// Sessions that stay open in the ledger keep their directories, which commands may be looking at.
SessionManager::~SessionManager() = default;

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
  session->preload = request.preload;
  session->token = RandomHex(kTokenBytes);
  session->opened_us = NowMicroseconds();
  auto services = OpenGates(session);
  if (!services) return opened(services.error());
  RecordOpening(session, std::move(sockets), std::move(services).value(),
                std::move(request.exposed), std::move(opened));
}

Result<SessionManager::Services> SessionManager::OpenGates(
    const std::shared_ptr<Session>& session) {
  const std::string directory = paths_.session_directory(session->token);
  if (mkdir(directory.c_str(), 0711) != 0 && errno != EEXIST) {
    return SystemError("make '" + directory + "'");
  }
  chmod(directory.c_str(), 0711);  // whatever the umask
  Services services;
  auto gate = GateService::Listen(loop_, GateSocketOf(*session), session, ledger_, terms_);
  if (!gate) return gate.error();
  services.gate = std::move(gate).value();
  const std::string relay_socket = RelaySocketOf(*session);
  if (relay_socket.empty()) return services;
  auto relay = RelayService::Listen(loop_, relay_socket, session, endings_, terms_);
  if (!relay) return relay.error();
  services.relay = std::move(relay).value();
  return services;
}

void SessionManager::RecordOpening(const std::shared_ptr<Session>& session,
                                   std::optional<ListenSockets> sockets, Services services,
                                   std::vector<std::string> exposed, Opened opened) {
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
  row.exposed = std::move(exposed);
  // std::function copies what it holds, and descriptors cannot be copied.
  struct Held {
    std::optional<ListenSockets> sockets;
    Services services;
  };
  auto held = std::make_shared<Held>(Held{std::move(sockets), std::move(services)});
  ledger_.Submit(std::move(row), [this, session, held, opened = std::move(opened)](bool committed) {
    if (!committed) {
      return opened(Error{"open a session: the ledger cannot be written: " + ledger_.trouble()});
    }
    sessions_.Add(session);
    Services& running = services_[session->id];
    running = std::move(held->services);
    if (held->sockets) {
      running.listeners = StartListeners(std::move(*held->sockets), session->id);
    }
    opened(session);
  });
}

bool SessionManager::Close(int64_t id, const std::string& why, Recorded recorded) {
  if (!sessions_.Find(id)) return false;
  const auto services = services_.find(id);
  const auto session = sessions_.Find(id);
  SessionClosedRow row{id, NowMicroseconds(), why, {}};
  if (services->second.relay) row.connections = services->second.relay->EndAll();
  sessions_.Remove(id);
  services_.erase(services);
  orphans_.erase(id);
  endings_.Record(std::move(row), std::move(recorded));
  // While that is being committed, as a file system may take its time.
  rmdir(paths_.session_directory(session->token).c_str());
  return true;
}

void SessionManager::CloseOwned(const std::string& why) {
  for (const auto& session : sessions_.all()) {
    if (session->owned) Close(session->id, why);
  }
}

Result<std::vector<Rule>> SessionManager::UpdatedRules(const Session& session,
                                                       PolicyUpdate update) const {
  if (session.retired_policies.size() >= kMaxPolicyChanges) {
    return Error{"its policy was changed too often; open another session"};
  }
  std::vector<Rule> rules = session.policy.rules();
  for (const std::string& text : update.remove) {
    if (std::erase_if(rules, [&](const Rule& rule) { return rule.text == text; }) > 0) continue;
    return Error{"session " + std::to_string(session.id) + " has no rule '" + Printable(text) +
                 "' to remove; see: namegate session show " + std::to_string(session.id)};
  }
  for (Rule& rule : update.add) {
    const auto same = [&](const Rule& held) {
      return held.text == rule.text && held.allow_private == rule.allow_private;
    };
    if (std::ranges::none_of(rules, same)) rules.push_back(std::move(rule));
  }
  return rules;
}

void SessionManager::Update(int64_t id, PolicyUpdate update, Opened updated) {
  const auto session = sessions_.Find(id);
  if (!session) return updated(Error{"no session " + std::to_string(id) + " is open"});
  auto rules = UpdatedRules(*session, std::move(update));
  if (!rules) return updated(rules.error());
  PolicyChangedRow row{id, NowMicroseconds(), Policy(*rules).ToText()};
  auto held = std::make_shared<std::vector<Rule>>(std::move(rules).value());
  ledger_.Submit(std::move(row),
                 [this, session, held, updated = std::move(updated)](bool committed) {
                   if (!committed)
                     return updated(Error{"change a session: the ledger cannot be written"});
                   const auto services = services_.find(session->id);
                   if (services == services_.end())
                     return updated(Error{"the session was closed meanwhile"});
                   pipeline_.ChangePolicy(*session, std::move(*held));
                   session->fresh_allows.Clear();
                   if (services->second.relay) services->second.relay->JudgeAnew();
                   updated(session);
                 });
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
