// Passes descriptors over a Unix socket, more of them than the gate checks control data of; no
// arguments.

#include "tests/sandboxee/sandboxee.h"

int main() {
  constexpr size_t kCount = 200;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) return 2;
  int fds[kCount];
  for (int& fd : fds) fd = pair[0];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(fds))] = {};
  char byte = 'x';
  iovec data = {&byte, 1};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(fds));
  memcpy(CMSG_DATA(header), fds, sizeof(fds));
  Report("sendmsg", sendmsg(pair[0], &message, 0));
  message.msg_controllen = sizeof(control);
  Report("recvmsg", recvmsg(pair[1], &message, 0));
  printf("received: %s\n", header->cmsg_len == CMSG_LEN(sizeof(fds)) ? "all" : "fewer");
  return 0;
}
