#pragma once

#include <cstddef>
#include <vector>

#include "common/unique_fd.h"

namespace namegate::enclave {

// What is between two sockets while bytes are spliced from one to the other.
struct Pipe {
  UniqueFd in;
  UniqueFd out;

  explicit operator bool() const { return bool{in}; }
};

// Empty pipes for those who have something to move: an idle connection holds none.
class PipePool {
 public:
  static constexpr size_t kMaxIdle = 64;
  // Large enough that a bulk transfer costs few system calls. The kernel may give less.
  static constexpr int kPipeSize = 256 << 10;

  // No pipe if the process has run out of descriptors.
  Pipe Take();
  // `pipe` must be empty.
  void Return(Pipe pipe);

 private:
  std::vector<Pipe> idle_;
};

}  // namespace namegate::enclave
