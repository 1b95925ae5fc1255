#include "gate/preload/ask.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "gate/preload/bytes.h"
#include "gate/preload/kernel.h"

namespace namegate::preload {
namespace {

long NowMs() {
  timespec now = {};
  Kernel(__NR_clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// One connection to the gate service and the time that is left for it.
class Conversation {
 public:
  Conversation() : deadline_ms_(NowMs() + kAskLimitMs) {}
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() {
    if (fd_ >= 0) Kernel(__NR_close, fd_);
  }

  // Each of these gives the kernel's result, -errno on failure.
  long Open(int flags) {
    fd_ = Kernel(__NR_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
    return fd_;
  }

  long Connect(const char* path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    static_assert(sizeof(address.sun_path) == kSocketPathLimit + 1);
    TakeCopy(address.sun_path, path, sizeof(address.sun_path));
    return Within(SO_SNDTIMEO,
                  [&] { return Kernel(__NR_connect, fd_, &address, sizeof(address)); });
  }

  // Fits into the empty buffer of a fresh connection, so it never has to wait.
  long Send(const GateRequest& request) {
    return Kernel(__NR_sendto, fd_, &request, sizeof(request), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  // The length of the message that came, be it longer than the reply's.
  long Receive(GateReply& reply) {
    return Within(SO_RCVTIMEO,
                  [&] { return Kernel(__NR_recvfrom, fd_, &reply, sizeof(reply), MSG_TRUNC); });
  }

 private:
  // Makes one call, again after every signal, for as long as there is time left. The kernel does
  // the waiting (rather than poll) because it serves those who wait for a full backlog in their
  // order.
  template <typename Call>
  long Within(int option, Call call) {
    for (;;) {
      const long left_ms = deadline_ms_ - NowMs();
      if (left_ms <= 0) return -ETIMEDOUT;
      const timeval left = {left_ms / 1000, (left_ms % 1000) * 1000};
      const long set = Kernel(__NR_setsockopt, fd_, SOL_SOCKET, option, &left, sizeof(left));
      if (set < 0) return set;
      const long result = call();
      if (result == -EAGAIN) return -ETIMEDOUT;
      if (result != -EINTR) return result;
    }
  }

  long fd_ = -1;
  long deadline_ms_;
};

bool IsProper(long size, const GateReply& reply) {
  return size == static_cast<long>(sizeof(reply)) && reply.magic == kGateMagic &&
         reply.version == kGateVersion && reply.size == sizeof(reply);
}

void Stamp(GateRequest& request) {
  request.magic = kGateMagic;
  request.version = kGateVersion;
  request.size = sizeof(request);
}

// The size of the answer, or -errno. Hanging up without one is a reset: nothing was said.
long Exchange(const char* path, const GateRequest& request, GateReply& reply) {
  Conversation conversation;
  long result = conversation.Open(0);
  if (result >= 0) result = conversation.Connect(path);
  if (result >= 0) result = conversation.Send(request);
  if (result >= 0) result = conversation.Receive(reply);
  return result == 0 ? -ECONNRESET : result;
}

}  // namespace

void Ask(const Session& session, GateRequest& request, Answer& answer) {
  answer = {};
  answer.answered = session.path_too_long ? Answered::kPathTooLong : Answered::kNoSession;
  if (session.path[0] == '\0') return;
  Stamp(request);
  const long size = Exchange(session.path, request, answer.reply);
  if (size < 0) {
    answer.answered = Answered::kNot;
    answer.errno_code = static_cast<int>(-size);
    return;
  }
  answer.answered = IsProper(size, answer.reply) ? Answered::kProperly : Answered::kNonsense;
  answer.reply.message[sizeof(answer.reply.message) - 1] = '\0';
}

void SayHello(const char* path) {
  GateRequest hello = {};
  hello.operation = static_cast<uint8_t>(GateOperation::kHello);
  Stamp(hello);
  Conversation conversation;
  if (conversation.Open(SOCK_NONBLOCK) < 0 || conversation.Connect(path) < 0) return;
  conversation.Send(hello);
}

}  // namespace namegate::preload
