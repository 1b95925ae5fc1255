#include "gate/command/status_command.h"

#include "common/escape.h"
#include "gate/command/daemon.h"
#include "gate/command/output.h"

namespace namegate::command {
namespace {

// A value of the daemon's as a cell of a table; missing or nested ones are empty.
std::string Cell(const nlohmann::json& from, const char* key) {
  const auto found = from.find(key);
  if (found == from.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_integer()) return std::to_string(found->get<int64_t>());
  return "";
}

bool LedgerIsSound(const nlohmann::json& status) {
  const auto sound = status.find("ledger_ok");
  return sound != status.end() && sound->is_boolean() && sound->get<bool>();
}

std::string Upstreams(const nlohmann::json& status) {
  const auto upstreams = status.find("upstreams");
  if (upstreams == status.end() || !upstreams->is_array() || upstreams->empty()) {
    return "no upstreams: names cannot be resolved\n";
  }
  std::vector<std::vector<std::string>> rows = {
      {"UPSTREAM", "STATE", "SENT", "FAILED", "WRONG REPLIES"}};
  for (const auto& upstream : *upstreams) {
    if (!upstream.is_object()) continue;
    const auto ok = upstream.find("ok");
    const bool up = ok != upstream.end() && ok->is_boolean() && ok->get<bool>();
    rows.push_back({Cell(upstream, "address"), up ? "ok" : "failing", Cell(upstream, "sent"),
                    Cell(upstream, "failed"), Cell(upstream, "wrong_replies")});
  }
  return FormatTable(rows);
}

std::string Describe(const nlohmann::json& status) {
  const bool sound = LedgerIsSound(status);
  const std::string ledger =
      Cell(status, "ledger") + (sound ? " (ok)" : " (TROUBLE: nothing is answered or connected)");
  std::vector<std::vector<std::string>> rows = {
      {"daemon", "runs, pid " + Cell(status, "pid") + ", version " + Cell(status, "version")},
      {"since", Cell(status, "started")},
      {"state directory", Cell(status, "state_dir")},
      {"ledger", ledger}};
  if (!sound) rows.push_back({"ledger trouble", Cell(status, "ledger_trouble")});
  // It records again, but what was before is elsewhere.
  const std::string set_aside = Cell(status, "ledger_set_aside");
  if (!set_aside.empty()) rows.push_back({"ledger notice", set_aside});
  for (const auto& [key, name] :
       {std::pair{"sessions", "sessions"}, std::pair{"queries", "queries"},
        std::pair{"connections", "connections"}, std::pair{"cache_entries", "cached answers"},
        std::pair{"in_flight", "in flight upstream"}}) {
    rows.push_back({name, Cell(status, key)});
  }
  return FormatTable(rows) + "\n" + Upstreams(status);
}

int NotRunning(const CommonOptions& common, const std::string& why) {
  if (common.json) {
    PrintJson({{"running", false}, {"error", why}});
    return kTrouble;
  }
  return Fail(why);
}

}  // namespace

int ShowStatus(const CommonOptions& common) {
  auto daemon = ConnectToDaemon(common);
  if (!daemon) return NotRunning(common, daemon.error().message);
  auto response = daemon->Call({{"command", "status"}});
  if (!response) return NotRunning(common, response.error().message);
  nlohmann::json status = response->value("status", nlohmann::json::object());
  if (!status.is_object())
    return NotRunning(common, "the daemon sent something else than a status");
  if (common.json) {
    status["running"] = true;
    PrintJson(status);
  } else {
    Print(Describe(status));
  }
  return LedgerIsSound(status) ? kOk : kTrouble;
}

}  // namespace namegate::command
