// Connects to every ADDRESS PORT, and sends it a datagram, with an option that would route around
// the destination: a loose source route, or a routing header by way of ADDRESS itself. Says what
// comes back. Linked statically, so that no library keeps it from asking for the option.

#include <netinet/ip6.h>
#include <sys/time.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

// Options of the header: a source route with one stop, which is where the packet is to go at last.
bool Detour4(int fd, const Target& target) {
  unsigned char options[8] = {131, 7, 4, 0, 0, 0, 0, 0};
  memcpy(options + 3, &reinterpret_cast<const sockaddr_in*>(&target.storage)->sin_addr, 4);
  return setsockopt(fd, SOL_IP, IP_OPTIONS, options, sizeof options) == 0;
}

// Segment routing: every kernel has it.
bool Detour6(int fd, const Target& target) {
  unsigned char header[40] = {0, 4, 4, 1, 1};  // type 4, one segment left of two
  for (int at = 8; at <= 24; at += 16) {
    memcpy(header + at, &reinterpret_cast<const sockaddr_in6*>(&target.storage)->sin6_addr, 16);
  }
  return setsockopt(fd, SOL_IPV6, IPV6_RTHDR, header, sizeof header) == 0;
}

void Try(const char* what, const Target& target, int type) {
  const int fd = Socket(target.family(), type);
  const bool set = target.family() == AF_INET ? Detour4(fd, target) : Detour6(fd, target);
  if (!set) return Report("setsockopt", -1);
  long result = connect(fd, target.address(), target.length);
  if (result == 0 && type == SOCK_DGRAM) result = send(fd, "x", 1, 0);
  Report(what, result);
  char answer = 0;
  const timeval patience = {20, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (result >= 0) Report("recv", recv(fd, &answer, 1, 0));
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    Try("connect", target, SOCK_STREAM);
    Try("send", target, SOCK_DGRAM);
  }
  return 0;
}
