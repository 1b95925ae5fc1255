#include "gate/doctor/findings.h"

#include <nlohmann/json.hpp>

#include "common/escape.h"
#include "gate/command/output.h"

namespace namegate::doctor {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string Shown(State state) {
  switch (state) {
    case State::kCovered:
      return "covered";
    case State::kCooperative:
      return "cooperative only";
    case State::kNotPossible:
      return "not possible here";
    case State::kOpen:
      return "OPEN";
    case State::kUnrecorded:
      break;
  }
  return "UNRECORDED";
}

std::string HostText(const std::vector<Fact>& host) {
  Rows rows = {{"THIS HOST", "", "WHAT IT IS FOR"}};
  std::string remedies;
  for (const Fact& fact : host) {
    rows.push_back({fact.what, fact.there ? "yes" : "no", fact.means});
    if (fact.there || fact.remedy.empty()) continue;
    remedies += "for " + fact.what + ": " + fact.remedy + "\n";
  }
  return command::FormatTable(rows) + remedies;
}

std::string MatrixText(const Examination& examination) {
  Rows rows = {{"A WAY ROUND"}};
  for (const ExaminedGate& gate : examination.gates) rows.front().push_back(gate.name);
  for (size_t i = 0; i < Probes().size(); ++i) {
    rows.push_back({std::string(Probes()[i].what)});
    for (const ExaminedGate& gate : examination.gates) {
      const Finding& finding = gate.findings[i];
      const bool tried = !finding.said.empty() && finding.state != State::kNotPossible;
      rows.back().push_back(Shown(finding.state) + (tried ? " (" + finding.said + ")" : ""));
    }
  }
  return command::FormatTable(rows);
}

nlohmann::json HostJson(const std::vector<Fact>& host) {
  auto list = nlohmann::json::array();
  for (const Fact& fact : host) {
    list.push_back({{"what", fact.what},
                    {"there", fact.there},
                    {"means", fact.means},
                    {"remedy", fact.there ? "" : fact.remedy}});
  }
  return list;
}

}  // namespace

const char* NameOf(State state) {
  switch (state) {
    case State::kCovered:
      return "covered";
    case State::kCooperative:
      return "cooperative-only";
    case State::kNotPossible:
      return "not-possible";
    case State::kOpen:
      return "open";
    case State::kUnrecorded:
      break;
  }
  return "unrecorded";
}

std::string ToText(const Examination& examination) {
  std::string text = HostText(examination.host) + "\n" + MatrixText(examination);
  for (const ExaminedGate& gate : examination.gates) {
    if (gate.trouble.empty()) continue;
    text += "\nThe gate " + gate.name + " cannot be used here: " + Printable(gate.trouble) + "\n";
  }
  return text;
}

void PrintAsJson(const Examination& examination, int exit_status) {
  nlohmann::json document = {{"exit_status", exit_status}, {"host", HostJson(examination.host)}};
  document["gates"] = nlohmann::json::object();
  document["probes"] = nlohmann::json::array();
  for (const ExaminedGate& gate : examination.gates) {
    document["gates"][gate.name] = {{"usable", gate.trouble.empty()}, {"trouble", gate.trouble}};
  }
  for (size_t i = 0; i < Probes().size(); ++i) {
    nlohmann::json probe = {
        {"name", Probes()[i].name}, {"what", Probes()[i].what}, {"bare", examination.bare[i]}};
    for (const ExaminedGate& gate : examination.gates) {
      probe[gate.name] = {{"state", NameOf(gate.findings[i].state)},
                          {"said", gate.findings[i].said}};
    }
    document["probes"].push_back(std::move(probe));
  }
  command::PrintJson(document);
}

}  // namespace namegate::doctor
