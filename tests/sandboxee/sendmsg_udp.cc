// Sends one message of two parts to every ADDRESS PORT in turn, with harmless control data.

#include "tests/sandboxee/sandboxee.h"

namespace {

long Send(int fd, const Target& target) {
  char halves[2] = {'a', 'b'};
  iovec data[2] = {{&halves[0], 1}, {&halves[1], 1}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_name = const_cast<sockaddr*>(target.address());
  message.msg_namelen = target.length;
  message.msg_iov = data;
  message.msg_iovlen = 2;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_IP;
  header->cmsg_type = IP_TTL;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int ttl = 9;
  memcpy(CMSG_DATA(header), &ttl, sizeof(ttl));
  return sendmsg(fd, &message, 0);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    const int fd = Socket(target.family(), SOCK_DGRAM);
    Report("sendmsg", Send(fd, target));
    close(fd);
  }
  return 0;
}
