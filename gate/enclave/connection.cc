#include "gate/enclave/connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace namegate::enclave {
namespace {

constexpr int kMovesPerTurn = 16;
constexpr unsigned kSplice = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

void SetUp(int socket) {
  const int on = 1;
  // The sender decided what goes into a segment; the relay must not hold a piece back.
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  BreakOnClose(socket, true);
}

}  // namespace

void BreakOnClose(int socket, bool on) {
  const linger at_once{on ? 1 : 0, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Connection::Connection(EventLoop& loop, PipePool& pool, UniqueFd near, UniqueFd far, Ended ended)
    : loop_(loop),
      pool_(pool),
      near_(std::move(near)),
      far_(std::move(far)),
      ended_(std::move(ended)) {
  out_.from = in_.to = near_.get();
  out_.to = in_.from = far_.get();
}

void Connection::Start() {
  SetUp(near_.get());
  SetUp(far_.get());
  constexpr uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  near_watch_ = loop_.Add(near_.get(), kEvents, [this](uint32_t e) { OnEvent(e, out_, in_); });
  far_watch_ = loop_.Add(far_.get(), kEvents, [this](uint32_t e) { OnEvent(e, in_, out_); });
}

void Connection::OnEvent(uint32_t events, Flow& from_it, Flow& to_it) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) from_it.ready = true;
  // That it can be written to is in every event; it matters to what waits in the pipe.
  if (to_it.in_pipe > 0) to_it.ready = true;
  Turn((events & EPOLLERR) != 0);
}

void Connection::Turn(bool failed) {
  if (over_) return;
  const auto self = shared_from_this();  // End() drops the last reference
  // What arrived before a reset is delivered before it.
  const bool out = Move(out_);
  const bool in = Move(in_);
  if (!out || !in || failed) return End(Ending::kReset);
  if (out_.finished && in_.finished) return End(Ending::kClosed);
  if ((out_.ready || in_.ready) && !posted_) {
    posted_ = true;
    loop_.Post([self] {
      self->posted_ = false;
      self->Turn();
    });
  }
}

bool Connection::Move(Flow& flow) {
  if (flow.finished) flow.ready = false;
  for (int i = 0; flow.ready && i < kMovesPerTurn; ++i) {
    if (flow.in_pipe == 0 && !Fill(flow)) return false;
    if (!Empty(flow)) return false;
  }
  return true;
}

bool Connection::Fill(Flow& flow) {
  if (!flow.pipe) flow.pipe = pool_.Take();
  if (!flow.pipe) return false;
  const ssize_t got =
      splice(flow.from, nullptr, flow.pipe.in.get(), nullptr, PipePool::kPipeSize, kSplice);
  if (got > 0) {
    flow.in_pipe = static_cast<size_t>(got);
  } else if (got == 0) {
    flow.finished = true;
    flow.ready = false;
    // The far end may be gone already, which the other direction will tell.
    shutdown(flow.to, SHUT_WR);
  } else if (errno == EAGAIN) {
    flow.ready = false;
  } else {
    return errno == EINTR;
  }
  return true;
}

bool Connection::Empty(Flow& flow) {
  while (flow.in_pipe > 0) {
    const ssize_t put =
        splice(flow.pipe.out.get(), nullptr, flow.to, nullptr, flow.in_pipe, kSplice);
    if (put < 0 && errno == EAGAIN) {
      flow.ready = false;
      return true;
    }
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    flow.in_pipe -= static_cast<size_t>(put);
    flow.moved += static_cast<uint64_t>(put);
  }
  if (flow.pipe) pool_.Return(std::move(flow.pipe));
  flow.pipe = {};
  return true;
}

bool Connection::Settle(bool held) {
  const auto self = shared_from_this();
  out_.ready = in_.ready = true;  // the events may still be on their way
  Turn();
  if (over_) return true;
  if (out_.finished) {
    End(Ending::kClosed);
    return true;
  }
  if (held) End(Ending::kSessionClosed);
  return held;
}

void Connection::End(Ending ending) {
  if (std::exchange(over_, true)) return;
  near_watch_.Reset();
  far_watch_.Reset();
  if (ending == Ending::kClosed) {
    BreakOnClose(near_.get(), false);
    BreakOnClose(far_.get(), false);
  }
  near_.Reset();
  far_.Reset();
  out_.pipe = {};
  in_.pipe = {};
  ended_({out_.moved, in_.moved, ending});
}

}  // namespace namegate::enclave
