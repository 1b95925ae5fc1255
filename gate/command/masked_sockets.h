#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "gate/command/private_files.h"

namespace namegate::command {

// What an enclave's command sees in the place of sockets: files on which nothing listens, and
// directories of its own that are empty.
struct Masks {
  std::vector<PrivateFile> files;
  std::vector<std::string> directories;
};

// For the sockets behind which somebody else would reach the network on the command's behalf: those
// of enclave::SocketsThatLeadOut() and `further` that exist, but for `exposed`. Where sockets have
// a directory to themselves it is the directory that is hidden: a mask over a socket falls off when
// its owner makes it anew. An exposed path that would not be masked is an error, as it says
// something that is not so.
Result<Masks> PlanMasks(const std::vector<std::string>& further,
                        const std::vector<std::string>& exposed);

}  // namespace namegate::command
