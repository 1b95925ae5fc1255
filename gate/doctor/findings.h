#pragma once

#include <string>
#include <vector>

#include "gate/doctor/host_facts.h"
#include "gate/doctor/probe.h"

namespace namegate::doctor {

// What came of one way round one gate.
enum class State : uint8_t {
  kCovered,      // nothing got through, and the ledger has what it should have
  kCooperative,  // it got through, and this gate does not promise otherwise
  kNotPossible,  // it does not get through here without a gate either, so nothing is shown
  kOpen,         // it got through
  kUnrecorded,   // nothing got through, but the ledger does not have it, or it was not tried
};

// As in --json: "covered", "cooperative-only", "not-possible", "open", "unrecorded".
const char* NameOf(State state);

struct Finding {
  State state = State::kNotPossible;
  std::string said;  // to the program that tried
};

struct ExaminedGate {
  std::string name;
  std::string trouble;            // why it cannot be used here; empty: it can
  std::vector<Finding> findings;  // one for each of Probes()
};

struct Examination {
  std::vector<Fact> host;
  std::vector<std::string> bare;  // what was said without a gate, one for each of Probes()
  std::vector<ExaminedGate> gates;
};

// For people.
std::string ToText(const Examination& examination);
// One document, printed to standard output.
void PrintAsJson(const Examination& examination, int exit_status);

}  // namespace namegate::doctor
