#pragma once

#include <string>
#include <vector>

#include "common/ip_address.h"
#include "common/result.h"

namespace namegate::command {

// A file that the command sees with another content than the host.
struct PrivateFile {
  std::string target;  // the real path, symbolic links resolved
  std::string text;
};

// What must stand in the place of the host's resolver files: a resolv.conf that names the session's
// name server alone, an nsswitch.conf under which names are looked up nowhere else, and nothing
// where nscd would answer. The error says what the host lacks.
Result<std::vector<PrivateFile>> PlanPrivateFiles(const IpAddress& nameserver);

// Gives the calling process, and what it starts, a mount namespace with these files in place. For
// an ordinary user this takes a user namespace too, in which he keeps his ids. `scratch` is any
// directory; nothing is left in it. The calling process must have one thread. An error says which
// permission is missing; the process is of no use then.
Result<void> EnterPrivateFiles(const std::vector<PrivateFile>& files, const std::string& scratch);

// The second half of it, for a process that is in a mount namespace of its own already.
Result<void> InstallPrivateFiles(const std::vector<PrivateFile>& files, const std::string& scratch);

// There too: nothing of what is in `directory` is there any more.
Result<void> HideDirectory(const std::string& directory);

// There too: in its place there is another with the same mode, empty and the command's own.
Result<void> ReplaceDirectory(const std::string& directory);

// The host's nsswitch.conf with "hosts: files dns" in place of its own line.
std::string WithHostsFromDns(const std::string& nsswitch_conf);

}  // namespace namegate::command
