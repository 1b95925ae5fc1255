// ADDRESS PORT: sends two large messages with one sendmmsg() that must not wait. A stream
// that took only part of the first must not be given the second, or bytes would be missing between
// them.

#include "tests/sandboxee/sandboxee.h"

namespace {

constexpr size_t kSize = 16 << 20;  // more than a loopback connection buffers

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_STREAM);
  Report("connect", connect(fd, target.address(), target.length));
  iovec data = {calloc(1, kSize), kSize};
  mmsghdr messages[2] = {};
  for (mmsghdr& message : messages) {
    message.msg_hdr.msg_iov = &data;
    message.msg_hdr.msg_iovlen = 1;
  }
  const int sent = sendmmsg(fd, messages, 2, MSG_DONTWAIT);
  printf("sendmmsg: %d, %s of the first, %u of the second\n", sent,
         messages[0].msg_len < kSize ? "part" : "all", messages[1].msg_len);
  return 0;
}
