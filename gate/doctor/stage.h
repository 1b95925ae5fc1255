#pragma once

#include <map>
#include <string>
#include <vector>

namespace namegate::doctor {

// The probes, tried behind one gate or behind none.
struct Stage {
  bool finished = false;                    // they were all tried
  std::string trouble;                      // why not
  std::map<std::string, std::string> said;  // by the probe's name
};

// Runs a command that ends in RunProbes(), and reads what it prints. A command that takes longer
// than a minute is killed.
Stage RunStage(const std::vector<std::string>& words);

}  // namespace namegate::doctor
