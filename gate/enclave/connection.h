#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/ending.h"
#include "common/unique_fd.h"
#include "gate/enclave/event_loop.h"
#include "gate/enclave/pipe_pool.h"

namespace namegate::enclave {

// Whether close() sends RST. It does until both sides have ended properly, so that if the relay is
// killed neither side waits in vain, nor takes a part for the whole.
void BreakOnClose(int socket, bool on);

// Two connected sockets whose bytes are spliced to each other until both directions have ended or
// one of them broke. Half-closes, resets and back-pressure go through.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Result {
    uint64_t bytes_out = 0;  // from the sandbox
    uint64_t bytes_in = 0;
    Ending ending = Ending::kClosed;
  };
  using Ended = std::function<void(const Result&)>;

  // `near` is the sandbox's side. `ended` is called once, from the loop; the connection is then of
  // no use any more. Loop and pool must outlive it.
  Connection(EventLoop& loop, PipePool& pool, UniqueFd near, UniqueFd far, Ended ended);
  void Start();
  // Breaks both sides.
  void Abort(Ending ending) { End(ending); }
  // The session is about to close: ends it, unless what the sandbox sent is still on its way. True
  // if it is over. `held`: a process that was left behind has it still, and will not end it.
  bool Settle(bool held);
  // Octets that have gone from the sandbox to the far end.
  uint64_t sent() const { return out_.moved; }

 private:
  // One direction.
  struct Flow {
    int from = -1;
    int to = -1;
    Pipe pipe;  // only while bytes are in it
    size_t in_pipe = 0;
    // Bytes may be moved: each socket tells of a change once (epoll(7), edge-triggered), so this is
    // kept until `from` has no more for now, or `to` takes no more.
    bool ready = false;
    bool finished = false;  // `from` will send no more, and `to` was told
    uint64_t moved = 0;
  };

  // Of the socket that one flow comes from and the other goes to.
  void OnEvent(uint32_t events, Flow& from_it, Flow& to_it);
  // Moves what can be moved, up to a share that leaves others their turn. `failed`: a socket says
  // that the connection is broken.
  void Turn(bool failed = false);
  // False if the connection is broken, as are the next two.
  bool Move(Flow& flow);
  bool Fill(Flow& flow);
  bool Empty(Flow& flow);
  void End(Ending ending);

  EventLoop& loop_;
  PipePool& pool_;
  UniqueFd near_;
  UniqueFd far_;
  Ended ended_;
  Flow out_;
  Flow in_;
  Watch near_watch_;
  Watch far_watch_;
  bool posted_ = false;
  bool over_ = false;
};

}  // namespace namegate::enclave
