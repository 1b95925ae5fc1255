#include "gate/command/session_info.h"

#include <charconv>

#include "common/escape.h"

namespace namegate::command {
namespace {

void Take(const nlohmann::json& from, const char* key, std::string& text) {
  if (const auto found = from.find(key); found != from.end() && found->is_string()) {
    text = found->get<std::string>();
  }
}

void Take(const nlohmann::json& from, const char* key, int64_t& number) {
  if (const auto found = from.find(key); found != from.end() && found->is_number_integer()) {
    number = found->get<int64_t>();
  }
}

void Take(const nlohmann::json& from, const char* key, std::vector<std::string>& texts) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_array()) return;
  for (const auto& entry : *found) {
    if (entry.is_string()) texts.push_back(entry.get<std::string>());
  }
}

std::optional<int64_t> Number(const std::string& text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number <= 0) return std::nullopt;
  return number;
}

Error Ambiguous(const std::string& label, const std::vector<int64_t>& ids) {
  std::string list;
  for (const int64_t id : ids) list += (list.empty() ? "" : ", ") + std::to_string(id);
  return Error{"more than one session has the label '" + Printable(label) + "': name one of " +
               list};
}

}  // namespace

Result<SessionInfo> SessionInfo::FromJson(const nlohmann::json& session) {
  SessionInfo info;
  if (!session.is_object()) return Error{"the daemon sent something else than a session"};
  Take(session, "id", info.id);
  Take(session, "label", info.label);
  Take(session, "gate", info.gate);
  Take(session, "opened", info.opened);
  Take(session, "rules", info.rules);
  Take(session, "nameserver", info.nameserver);
  Take(session, "client", info.client);
  Take(session, "gate_socket", info.gate_socket);
  Take(session, "relay_socket", info.relay_socket);
  Take(session, "hellos", info.hellos);
  Take(session, "queries", info.queries);
  Take(session, "connections", info.connections);
  Take(session, "denials", info.denials);
  Take(session, "leases", info.leases);
  if (info.id <= 0) return Error{"the daemon sent a session without an id"};
  return info;
}

Result<SessionInfo> SessionOf(const nlohmann::json& response) {
  const auto session = response.find("session");
  if (session == response.end()) return Error{"the daemon's response holds no session"};
  return SessionInfo::FromJson(*session);
}

Result<std::vector<SessionInfo>> ListSessions(ControlClient& daemon) {
  auto response = daemon.Call({{"command", "session.list"}});
  if (!response) return response.error();
  std::vector<SessionInfo> sessions;
  for (const auto& entry : response->value("sessions", nlohmann::json::array())) {
    auto session = SessionInfo::FromJson(entry);
    if (!session) return session.error();
    sessions.push_back(std::move(session).value());
  }
  return sessions;
}

Result<int64_t> FindSession(ControlClient& daemon, const std::string& name) {
  if (const auto number = Number(name)) return *number;
  auto sessions = ListSessions(daemon);
  if (!sessions) return sessions.error();
  std::vector<int64_t> ids;
  for (const SessionInfo& session : *sessions) {
    if (session.label == name) ids.push_back(session.id);
  }
  if (ids.empty()) {
    return Error{"no open session has the id or label '" + Printable(name) +
                 "'; namegate session list shows them"};
  }
  if (ids.size() > 1) return Ambiguous(name, ids);
  return ids.front();
}

}  // namespace namegate::command
