#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>

#include "common/endpoint.h"
#include "common/unique_fd.h"

namespace namegate::enclave {

// Which process of the sandbox has a socket open: for the record, not for any decision. A process
// can hide from it (by passing its socket around, or by raw packets), but cannot become another.
class SocketOwners {
 public:
  // What the kernel is asked, and processes looked at, for one answer.
  static constexpr size_t kMaxProcesses = 1'024;
  static constexpr size_t kMaxDescriptors = 4'096;
  // Processes that were found last are looked at first.
  static constexpr size_t kRemembered = 8;
  // Descriptors tried from the one that was found last.
  static constexpr int kLikely = 4;

  // A socket for the questions, to be opened inside the sandbox. Invalid if the kernel has none.
  static UniqueFd OpenDiagnostics();

  // `sandbox` is a descriptor of the sandbox's network namespace; -1: its processes may not be
  // looked at, and none is ever found.
  SocketOwners(UniqueFd diagnostics, int sandbox);

  // The process that has the socket with these two ends, 0 if none was found.
  uint32_t Find(Protocol protocol, const Endpoint& local, const Endpoint& remote);
  // Whether a process has that socket open, or has closed it while octets of it may be on their
  // way; nothing if there is no such socket any more, or it cannot be known.
  std::optional<bool> IsHeld(Protocol protocol, const Endpoint& local,
                             const Endpoint& remote) const;

 private:
  std::optional<uint32_t> InodeOf(Protocol protocol, const Endpoint& local,
                                  const Endpoint& remote) const;
  bool IsInSandbox(pid_t process) const;
  void Remember(pid_t process, int descriptor);

  UniqueFd diagnostics_;
  ino_t sandbox_ = 0;
  // A process, and the descriptor that was found: the next socket mostly has that number or one of
  // the following, so that a process with thousands of them need not be read anew for each.
  struct Owner {
    pid_t process = 0;
    int descriptor = 0;
  };
  std::deque<Owner> remembered_;
};

}  // namespace namegate::enclave
