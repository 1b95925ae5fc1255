#pragma once

#include <string>
#include <vector>

namespace namegate::doctor {

// What this host can do that the gates need, or must close.
struct Fact {
  std::string what;
  bool there = false;
  std::string means;   // for the gates
  std::string remedy;  // empty: none is needed
};

// Found by trying, in processes of their own; nothing is left behind.
std::vector<Fact> HostFacts();

}  // namespace namegate::doctor
