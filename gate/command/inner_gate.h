#pragma once

#include <map>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace namegate::command {

// The preload gate inside an enclave: there so that programs which load it get EACCES and a line
// that says why, where the wall alone could only refuse the connection.
//
// In the command's mounts kInnerDirectory holds a copy of the library, which every program may read
// wherever ours is installed, and the session's directory with the gate socket. An ordinary user's
// command finds the library by /etc/ld.so.preload, whatever becomes of its environment. Root's,
// which may want to change /etc, has it so only if the host has that file, and else in LD_PRELOAD.
class InnerGate {
 public:
  // Opens the library, and finds out what the host has. `session_directory` is where the daemon
  // has the session's gate socket.
  static Result<InnerGate> Plan(const std::string& library, std::string session_directory);

  // In the command's mount namespace. `scratch` is any directory; nothing is left in it.
  Result<void> Install(const std::string& scratch) const;
  // What the command's environment gets; an empty text takes a variable away.
  std::map<std::string, std::string> Environment() const;

 private:
  Result<void> Fill(const std::string& directory) const;
  Result<void> Mount(const std::string& directory) const;

  UniqueFd library_;
  std::string session_directory_;
  std::string preload_;  // the content of ld.so.preload; empty: it is not used
  bool overlay_ = false;
};

}  // namespace namegate::command
