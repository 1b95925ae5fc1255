// Sends one datagram to every ADDRESS PORT in one sendmmsg(). Prints what it returned.

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  constexpr int kMost = 8;
  Target targets[kMost];
  mmsghdr messages[kMost] = {};
  char byte = 'x';
  iovec data = {&byte, 1};
  int count = 0;
  for (; count < kMost && 2 * count + 2 < argc; ++count) {
    targets[count] = ArgumentTarget(argc, argv, count);
    msghdr& header = messages[count].msg_hdr;
    header.msg_name = &targets[count].storage;
    header.msg_namelen = targets[count].length;
    header.msg_iov = &data;
    header.msg_iovlen = 1;
  }
  const int fd = Socket(AF_INET, SOCK_DGRAM);
  const int sent = sendmmsg(fd, messages, static_cast<unsigned>(count), 0);
  if (sent < 0) {
    Report("sendmmsg", sent);
  } else {
    printf("sendmmsg: %d sent, %u bytes in the first\n", sent, messages[0].msg_len);
  }
  return 0;
}
