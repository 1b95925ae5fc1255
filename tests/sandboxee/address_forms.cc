// One destination in the odd forms that the kernel takes for it. ADDRESS is an IPv4 address; the
// last PORT is where UDP is heard.

#include "tests/sandboxee/sandboxee.h"

namespace {

constexpr socklen_t kOldInet6Length = 24;  // RFC 2133: no scope id

Target Mapped(const Target& v4) {
  Target mapped;
  const sockaddr_in* in = reinterpret_cast<const sockaddr_in*>(&v4.storage);
  sockaddr_in6* in6 = reinterpret_cast<sockaddr_in6*>(&mapped.storage);
  in6->sin6_family = AF_INET6;
  in6->sin6_port = in->sin_port;
  in6->sin6_addr.s6_addr[10] = 0xff;
  in6->sin6_addr.s6_addr[11] = 0xff;
  memcpy(&in6->sin6_addr.s6_addr[12], &in->sin_addr, 4);
  mapped.length = sizeof(*in6);
  return mapped;
}

void Send(const char* what, int family, const Target& target, socklen_t length) {
  const int fd = Socket(family, SOCK_DGRAM);
  Report(what, sendto(fd, "x", 1, 0, target.address(), length));
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  const Target v4 = ArgumentTarget(argc, argv);
  const Target mapped = Mapped(v4);
  const int fd = Socket(AF_INET6, SOCK_DGRAM);
  Report("connect v4-mapped of 24 bytes", connect(fd, mapped.address(), kOldInet6Length));
  const int other = Socket(AF_INET6, SOCK_DGRAM);
  Report("connect sockaddr_in on IPv6", connect(other, v4.address(), v4.length));
  Send("send v4-mapped of 24 bytes", AF_INET6, mapped, kOldInet6Length);
  Send("send sockaddr_in on IPv6", AF_INET6, v4, v4.length);
  Target unspecified = v4;
  unspecified.storage.ss_family = AF_UNSPEC;
  Send("send AF_UNSPEC on IPv4", AF_INET, unspecified, unspecified.length);
  Send("send AF_UNSPEC on IPv6, not connected", AF_INET6, unspecified, unspecified.length);
  return 0;
}
