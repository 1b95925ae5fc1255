// Every way to send packets around their destination.

#include "tests/sandboxee/sandboxee.h"

namespace {

constexpr int kFlowLabelManager = 32;  // IPV6_FLOWLABEL_MGR

void SetOption(const char* what, int family, int level, int option, socklen_t size) {
  const int fd = Socket(family, SOCK_DGRAM);
  char value[64] = {};
  Report(what, setsockopt(fd, level, option, value, size));
  close(fd);
}

// A message with one harmless and then one other control message of `size` bytes.
void Send(const char* what, const Target& target, int level, int type, size_t size) {
  alignas(cmsghdr) char control[2048] = {};
  char byte = 'x';
  iovec data = {&byte, 1};
  msghdr message = {};
  message.msg_name = const_cast<sockaddr*>(target.address());
  message.msg_namelen = target.length;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(size);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_IP;
  header->cmsg_type = IP_TTL;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int ttl = 9;
  memcpy(CMSG_DATA(header), &ttl, sizeof(ttl));
  header = reinterpret_cast<cmsghdr*>(control + CMSG_SPACE(sizeof(int)));
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  const int fd = Socket(target.family(), SOCK_DGRAM);
  Report(what, sendmsg(fd, &message, 0));
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  SetOption("IP_OPTIONS", AF_INET, SOL_IP, IP_OPTIONS, 8);
  SetOption("IP_OPTIONS, taken away", AF_INET, SOL_IP, IP_OPTIONS, 0);
  SetOption("IP_OPTIONS on IPv6", AF_INET6, SOL_IP, IP_OPTIONS, 8);
  SetOption("IPV6_RTHDR", AF_INET6, SOL_IPV6, IPV6_RTHDR, 24);
  SetOption("IPV6_2292RTHDR", AF_INET6, SOL_IPV6, IPV6_2292RTHDR, 24);
  SetOption("IPV6_2292PKTOPTIONS", AF_INET6, SOL_IPV6, IPV6_2292PKTOPTIONS, 40);
  SetOption("a flow label with options", AF_INET6, SOL_IPV6, kFlowLabelManager, 64);
  Send("IP_RETOPTS message", target, SOL_IP, IP_RETOPTS, 8);
  Send("IPV6_RTHDR message", target, SOL_IPV6, IPV6_RTHDR, 24);
  Send("IPV6_2292RTHDR message", target, SOL_IPV6, IPV6_2292RTHDR, 24);
  Send("too much control data", target, SOL_IP, IP_TOS, 1500);
  return 0;
}
