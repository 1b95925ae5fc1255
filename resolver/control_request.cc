#include "resolver/control_request.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "common/escape.h"
#include "common/iso_time.h"
#include "resolver/dns.h"

namespace namegate::resolver {
namespace {

using Json = nlohmann::json;

// Rules in one session; a policy file of this length is a mistake, and each rule costs memory.
constexpr size_t kMaxRules = 10'000;
constexpr size_t kMaxLabel = 256;
constexpr size_t kMaxExposed = 100;

Result<void> OnlyFields(const Json& request, const std::vector<std::string_view>& known) {
  for (const auto& [key, value] : request.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return Error{"unknown field '" + Printable(key) + "'"};
    }
  }
  return {};
}

Result<std::string> Text(const Json& request, const char* field) {
  if (!request.contains(field)) return std::string();
  if (!request[field].is_string()) return Error{std::string(field) + " must be a string"};
  return request[field].get<std::string>();
}

Result<bool> Flag(const Json& request, const char* field) {
  if (!request.contains(field)) return false;
  if (!request[field].is_boolean()) return Error{std::string(field) + " must be true or false"};
  return request[field].get<bool>();
}

Result<std::vector<std::string>> Texts(const Json& request, const char* field, size_t most) {
  std::vector<std::string> texts;
  if (!request.contains(field)) return texts;
  const Error mistake{std::string(field) + " must be a list of at most " + std::to_string(most) +
                      " strings"};
  if (!request[field].is_array() || request[field].size() > most) return mistake;
  for (const Json& entry : request[field]) {
    if (!entry.is_string()) return mistake;
    texts.push_back(entry.get<std::string>());
  }
  return texts;
}

Result<void> AddRules(const Json& request, const char* field, bool allow_private,
                      std::vector<Rule>& rules) {
  if (!request.contains(field)) return {};
  const Json& list = request[field];
  if (!list.is_array()) return Error{std::string(field) + " must be a list of rules"};
  for (const Json& entry : list) {
    if (!entry.is_string()) return Error{std::string(field) + " must be a list of rules"};
    auto rule = Rule::FromText(entry.get<std::string>());
    if (!rule) return Error{Printable(rule.error().message)};
    rule->allow_private = allow_private;
    rules.push_back(std::move(rule).value());
    if (rules.size() > kMaxRules) return Error{"more than 10000 rules in one session"};
  }
  return {};
}

Result<void> ReadPlace(const Json& request, SessionRequest& open) {
  auto listen = Text(request, "listen");
  if (!listen) return listen.error();
  if (!listen->empty()) {
    open.listen = Endpoint::FromText(*listen, kDnsPort);
    if (!open.listen) {
      return Error{"listen: '" + Printable(*listen) + "' is not an address; write 127.0.0.2:53"};
    }
  }
  auto client = Text(request, "client");
  if (!client) return client.error();
  if (!client->empty()) {
    open.client = IpPrefix::FromText(*client);
    if (!open.client) {
      return Error{"client: '" + Printable(*client) +
                   "' is not an address or range; write 172.17.0.2 or 172.17.0.0/16"};
    }
  }
  return {};
}

Result<ControlRequest> ReadOpen(const Json& request) {
  ControlRequest parsed;
  parsed.command = ControlRequest::Command::kOpen;
  auto known = OnlyFields(request, {"command", "allow", "allow_private", "label", "gate", "listen",
                                    "client", "owned", "preload", "exposed"});
  if (!known) return known.error();
  if (auto added = AddRules(request, "allow", false, parsed.open.rules); !added) {
    return added.error();
  }
  if (auto added = AddRules(request, "allow_private", true, parsed.open.rules); !added) {
    return added.error();
  }
  auto label = Text(request, "label");
  if (!label) return label.error();
  if (label->size() > kMaxLabel) return Error{"label is longer than 256 octets"};
  parsed.open.label = std::move(label).value();
  auto gate = Text(request, "gate");
  if (!gate) return gate.error();
  if (!gate->empty() && *gate != "none" && *gate != "preload" && *gate != "enclave") {
    return Error{"gate must be \"enclave\", \"preload\" or \"none\""};
  }
  if (!gate->empty()) parsed.open.gate = std::move(gate).value();
  auto owned = Flag(request, "owned");
  if (!owned) return owned.error();
  parsed.owned = *owned;
  auto preload = Flag(request, "preload");
  if (!preload) return preload.error();
  parsed.open.preload = *preload;
  auto exposed = Texts(request, "exposed", kMaxExposed);
  if (!exposed) return exposed.error();
  parsed.open.exposed = std::move(exposed).value();
  if (auto place = ReadPlace(request, parsed.open); !place) return place.error();
  return parsed;
}

// What names one session, and the fields `further`.
Result<ControlRequest> ReadOfSession(const Json& request, ControlRequest::Command command,
                                     std::initializer_list<std::string_view> further = {}) {
  std::vector<std::string_view> fields = {"command", "session"};
  fields.insert(fields.end(), further.begin(), further.end());
  if (auto known = OnlyFields(request, fields); !known) return known.error();
  if (!request.contains("session") || !request["session"].is_number_integer()) {
    return Error{"session must be the number of a session"};
  }
  ControlRequest parsed;
  parsed.command = command;
  parsed.session = request["session"].get<int64_t>();
  return parsed;
}

Result<ControlRequest> ReadAdopt(const Json& request) {
  auto parsed = ReadOfSession(request, ControlRequest::Command::kAdopt, {"preload"});
  if (!parsed) return parsed;
  auto preload = Flag(request, "preload");
  if (!preload) return preload.error();
  parsed->preload = *preload;
  return parsed;
}

Result<ControlRequest> ReadUpdate(const Json& request) {
  auto parsed = ReadOfSession(request, ControlRequest::Command::kUpdate,
                              {"allow", "allow_private", "remove"});
  if (!parsed) return parsed;
  PolicyUpdate& update = parsed->update;
  if (auto added = AddRules(request, "allow", false, update.add); !added) return added.error();
  if (auto added = AddRules(request, "allow_private", true, update.add); !added) {
    return added.error();
  }
  auto remove = Texts(request, "remove", kMaxRules);
  if (!remove) return remove.error();
  update.remove = std::move(remove).value();
  return parsed;
}

Result<ControlRequest> ReadPlain(const Json& request, ControlRequest::Command command) {
  if (auto known = OnlyFields(request, {"command"}); !known) return known.error();
  ControlRequest parsed;
  parsed.command = command;
  return parsed;
}

}  // namespace

Result<ControlRequest> ParseControlRequest(const std::string& line) {
  using Command = ControlRequest::Command;
  const Json request = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object()) return Error{"a request is one JSON object on one line"};
  auto command = Text(request, "command");
  if (!command) return command.error();
  if (*command == "session.open") return ReadOpen(request);
  if (*command == "session.adopt") return ReadAdopt(request);
  if (*command == "session.update") return ReadUpdate(request);
  if (*command == "session.show") return ReadOfSession(request, Command::kShow);
  if (*command == "session.close") return ReadOfSession(request, Command::kClose);
  if (*command == "session.list") return ReadPlain(request, Command::kList);
  if (*command == "status") return ReadPlain(request, Command::kStatus);
  return Error{"unknown command '" + Printable(*command) + "'"};
}

nlohmann::json SessionToJson(const Session& session, const SessionManager& manager) {
  Json rules = Json::array();
  for (const Rule& rule : session.policy.rules()) {
    rules.push_back(rule.text + (rule.allow_private ? " private" : ""));
  }
  return {{"id", session.id},
          {"label", session.label},
          {"gate", session.gate},
          {"opened", IsoTime(session.opened_us)},
          {"rules", rules},
          {"nameserver", session.nameserver.ToText()},
          {"client", session.client ? session.client->ToText() : ""},
          {"gate_socket", manager.GateSocketOf(session)},
          {"relay_socket", manager.RelaySocketOf(session)},
          {"hellos", session.counters.hellos},
          {"queries", session.counters.queries},
          {"connections", session.counters.connections},
          {"denials", session.counters.denials},
          {"leases", session.leases.size()}};
}

}  // namespace namegate::resolver
