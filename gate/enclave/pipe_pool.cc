#include "gate/enclave/pipe_pool.h"

#include <fcntl.h>
#include <unistd.h>

namespace namegate::enclave {

Pipe PipePool::Take() {
  if (!idle_.empty()) {
    Pipe pipe = std::move(idle_.back());
    idle_.pop_back();
    return pipe;
  }
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return {};
  Pipe pipe{UniqueFd(ends[1]), UniqueFd(ends[0])};
  fcntl(pipe.in.get(), F_SETPIPE_SZ, kPipeSize);
  return pipe;
}

void PipePool::Return(Pipe pipe) {
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(pipe));
}

}  // namespace namegate::enclave
