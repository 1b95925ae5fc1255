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
  const auto handler = [this](uint32_t) { Turn(); };
  near_watch_ = loop_.Add(near_.get(), kEvents, handler);
  far_watch_ = loop_.Add(far_.get(), kEvents, handler);
}

void Connection::Turn() {
  if (over_) return;
  const auto self = shared_from_this();  // End() drops the last reference
  // What arrived before a reset is delivered before it.
  const Progress out = Move(out_);
  const Progress in = Move(in_);
  if (out == Progress::kBroken || in == Progress::kBroken || Failed(near_.get()) ||
      Failed(far_.get())) {
    return End(Ending::kReset);
  }
  if (out_.finished && in_.finished) return End(Ending::kClosed);
  if ((out == Progress::kMore || in == Progress::kMore) && !posted_) {
    posted_ = true;
    loop_.Post([self] {
      self->posted_ = false;
      self->Turn();
    });
  }
}

Connection::Progress Connection::Move(Flow& flow) {
  if (flow.finished) return Progress::kWaiting;
  for (int i = 0; i < kMovesPerTurn; ++i) {
    if (flow.in_pipe == 0 && !flow.drained) {
      if (const Progress filled = Fill(flow); filled != Progress::kMore) return filled;
    }
    if (const Progress emptied = Empty(flow); emptied != Progress::kMore) return emptied;
    if (flow.drained && flow.in_pipe == 0) {
      flow.finished = true;
      // The far end may be gone already, which the other direction will tell.
      shutdown(flow.to, SHUT_WR);
      return Progress::kWaiting;
    }
  }
  return Progress::kMore;
}

Connection::Progress Connection::Fill(Flow& flow) {
  if (!flow.pipe) flow.pipe = pool_.Take();
  if (!flow.pipe) return Progress::kBroken;
  const ssize_t got =
      splice(flow.from, nullptr, flow.pipe.in.get(), nullptr, PipePool::kPipeSize, kSplice);
  if (got > 0) {
    flow.in_pipe += static_cast<size_t>(got);
    return Progress::kMore;
  }
  pool_.Return(std::move(flow.pipe));
  flow.pipe = {};
  if (got < 0 && errno == EAGAIN) return Progress::kWaiting;
  if (got < 0) return errno == EINTR ? Progress::kMore : Progress::kBroken;
  flow.drained = true;
  return Progress::kMore;
}

Connection::Progress Connection::Empty(Flow& flow) {
  while (flow.in_pipe > 0) {
    const ssize_t put =
        splice(flow.pipe.out.get(), nullptr, flow.to, nullptr, flow.in_pipe, kSplice);
    if (put < 0 && errno == EAGAIN) return Progress::kWaiting;
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return Progress::kBroken;
    flow.in_pipe -= static_cast<size_t>(put);
    flow.moved += static_cast<uint64_t>(put);
  }
  if (flow.pipe) pool_.Return(std::move(flow.pipe));
  flow.pipe = {};
  return Progress::kMore;
}

bool Connection::Failed(int socket) const {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length);
  return error != 0;
}

bool Connection::Settle(bool held) {
  const auto self = shared_from_this();
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
