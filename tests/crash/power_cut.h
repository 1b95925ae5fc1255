#pragma once

#include <string>

namespace namegate::testing {

// Puts what a power cut would have left in place of the files of the ledger at `path`, whose daemon
// was a namegated_faulty that tracked it and is dead.
void CutPower(const std::string& path);

}  // namespace namegate::testing
