#include "gate/command/session_commands.h"

#include "common/endpoint.h"
#include "common/escape.h"
#include "common/gate_protocol.h"
#include "common/rule.h"
#include "gate/command/daemon.h"
#include "gate/command/installation.h"
#include "gate/command/output.h"
#include "gate/command/session_info.h"

namespace namegate::command {
namespace {

Result<void> CheckPlace(const SessionOpenOptions& options) {
  if (options.listen && !Endpoint::FromText(*options.listen, kDnsPort)) {
    return Error{"--listen: '" + Printable(*options.listen) +
                 "' is no address; write 127.64.0.9, 127.64.0.9:53 or [::1]:53"};
  }
  if (options.client && !IpPrefix::FromText(*options.client)) {
    return Error{"--client: '" + Printable(*options.client) +
                 "' is no address or prefix without host bits; write 192.0.2.0/24"};
  }
  return {};
}

Result<nlohmann::json> OpenRequest(const SessionOpenOptions& options) {
  if (auto place = CheckPlace(options); !place) return place.error();
  if (options.label) {
    if (auto label = CheckLabel(*options.label); !label) return label.error();
  }
  auto rules = ReadSessionRules(options.rules);
  if (!rules) return rules.error();
  for (const std::string& rule : rules->expired) Complain("expired, and left out: " + rule);
  nlohmann::json request = {{"command", "session.open"}};
  rules->AddTo(request);
  if (options.label) request["label"] = *options.label;
  if (options.listen) request["listen"] = *options.listen;
  if (options.client) request["client"] = *options.client;
  return request;
}

nlohmann::json Environment(const SessionInfo& session, const std::string& library) {
  return {{"LD_PRELOAD", library}, {kGateSocketVariable, session.gate_socket}};
}

std::string NameserverLine(const SessionInfo& session) {
  const auto endpoint = Endpoint::FromText(session.nameserver);
  if (!endpoint) return "# no name server: the daemon named none\n";
  std::string line = "nameserver " + endpoint->address.ToText() + "\n";
  if (endpoint->port == kDnsPort) return line;
  return "# resolv.conf cannot name a port: ask " + endpoint->ToText() +
         ", or open the session with --listen ADDR:53\n";
}

// Comments and lines to paste: resolv.conf and shells both take # for a comment.
std::string Instructions(const SessionInfo& session, const std::string& library) {
  const std::string id = std::to_string(session.id);
  std::string text = "# session " + id;
  if (!session.label.empty()) text += " (" + Printable(session.label) + ")";
  text += " is open; end it with: namegate session close " + id + "\n";
  text += "# for the sandbox's /etc/resolv.conf, as its only name server:\n";
  text += NameserverLine(session);
  if (!session.client.empty()) {
    text += "# (answers as this session to " + Printable(session.client) + ")\n";
  }
  text += "# for the environment of the sandboxed process: the gate, and the socket it asks\n";
  text += "export LD_PRELOAD=" + ShellWord(library) + "\n";
  text +=
      std::string("export ") + kGateSocketVariable + "=" + ShellWord(session.gate_socket) + "\n";
  if (session.rules.empty()) text += "# note: this session has no rule, so it allows nothing\n";
  return text;
}

std::string Details(const SessionInfo& session) {
  std::vector<std::vector<std::string>> rows = {
      {"session", std::to_string(session.id)},
      {"label", session.label},
      {"gate", session.gate},
      {"opened", session.opened},
      {"nameserver", session.nameserver},
      {"client", session.client},
      {"gate socket", session.gate_socket},
      {"gated processes", std::to_string(session.hellos)},
      {"queries", std::to_string(session.queries)},
      {"connections", std::to_string(session.connections)},
      {"denials", std::to_string(session.denials)},
      {"leases", std::to_string(session.leases)},
  };
  for (size_t i = 0; i < session.rules.size(); ++i) {
    rows.push_back({i == 0 ? "allowed" : "", session.rules[i]});
  }
  if (session.rules.empty()) rows.push_back({"allowed", "nothing"});
  std::erase_if(rows, [](const auto& row) { return row[1].empty(); });
  return FormatTable(rows);
}

std::vector<std::string> ListRow(const SessionInfo& session) {
  return {std::to_string(session.id),
          session.label,
          session.gate,
          session.opened,
          session.nameserver,
          std::to_string(session.queries),
          std::to_string(session.connections),
          std::to_string(session.denials)};
}

// The daemon's answer to `command` about the session named `name`.
Result<nlohmann::json> AskAbout(const CommonOptions& common, const char* command,
                                const std::string& name) {
  auto daemon = ConnectToDaemon(common);
  if (!daemon) return daemon.error();
  const auto id = FindSession(*daemon, name);
  if (!id) return id.error();
  return daemon->Call({{"command", command}, {"session", *id}});
}

}  // namespace

int OpenSession(const CommonOptions& common, const SessionOpenOptions& options) {
  const auto library = FindGateLibrary();
  if (!library) return Fail(library.error().message);
  const auto request = OpenRequest(options);
  if (!request) return Fail(request.error().message);
  auto daemon = ConnectToDaemon(common);
  if (!daemon) return Fail(daemon.error().message);
  const auto response = CallDaemon(*daemon, *request);
  if (!response) return Fail(response.error().message);
  const auto session = SessionOf(*response);
  if (!session) return Fail(session.error().message);
  if (common.json) {
    nlohmann::json shown = (*response)["session"];
    shown["environment"] = Environment(*session, *library);
    PrintJson(shown);
  } else {
    Print(Instructions(*session, *library));
  }
  return kOk;
}

int ListSessions(const CommonOptions& common) {
  auto daemon = ConnectToDaemon(common);
  if (!daemon) return Fail(daemon.error().message);
  if (common.json) {
    const auto response = CallDaemon(*daemon, {{"command", "session.list"}});
    if (!response) return Fail(response.error().message);
    PrintJson(response->value("sessions", nlohmann::json::array()));
    return kOk;
  }
  const auto sessions = ListSessions(*daemon);
  if (!sessions) return Fail(sessions.error().message);
  std::vector<std::vector<std::string>> rows = {
      {"ID", "LABEL", "GATE", "OPENED", "NAMESERVER", "QUERIES", "CONNECTIONS", "DENIALS"}};
  for (const SessionInfo& session : *sessions) rows.push_back(ListRow(session));
  Print(FormatTable(rows));
  return kOk;
}

int ShowSession(const CommonOptions& common, const std::string& name) {
  const auto response = AskAbout(common, "session.show", name);
  if (!response) return Fail(response.error().message);
  const auto session = SessionOf(*response);
  if (!session) return Fail(session.error().message);
  if (common.json) {
    PrintJson((*response)["session"]);
  } else {
    Print(Details(*session));
  }
  return kOk;
}

int UpdateSession(const CommonOptions& common, const std::string& name,
                  const SessionUpdateOptions& options) {
  auto rules = ReadSessionRules(options.rules);
  if (!rules) return Fail(rules.error().message);
  for (const std::string& rule : rules->expired) Complain("expired, and left out: " + rule);
  std::vector<std::string> remove;
  for (const std::string& text : options.remove) {
    auto rule = Rule::FromText(text);
    if (!rule) return Fail("--remove: " + rule.error().message);
    remove.push_back(rule->text);
  }
  if (rules->empty() && remove.empty()) {
    return Fail("nothing to change; give --allow, --allow-private, --policy or --remove");
  }
  auto daemon = ConnectToDaemon(common);
  if (!daemon) return Fail(daemon.error().message);
  const auto id = FindSession(*daemon, name);
  if (!id) return Fail(id.error().message);
  nlohmann::json request = {{"command", "session.update"}, {"session", *id}, {"remove", remove}};
  rules->AddTo(request);
  const auto response = CallDaemon(*daemon, request);
  if (!response) return Fail(response.error().message);
  const auto session = SessionOf(*response);
  if (!session) return Fail(session.error().message);
  if (common.json) {
    PrintJson((*response)["session"]);
  } else {
    Print(Details(*session));
  }
  return kOk;
}

int CloseSession(const CommonOptions& common, const std::string& name) {
  const auto response = AskAbout(common, "session.close", name);
  if (!response) return Fail(response.error().message);
  if (common.json) PrintJson({{"ok", true}});
  return kOk;
}

}  // namespace namegate::command
