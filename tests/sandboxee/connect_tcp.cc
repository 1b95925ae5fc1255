// Connects to every ADDRESS PORT in turn and says whom it reached.

#include "tests/sandboxee/sandboxee.h"

namespace {

void ReportPeer(int fd) {
  sockaddr_storage peer = {};
  socklen_t length = sizeof(peer);
  char text[INET6_ADDRSTRLEN] = "";
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) return;
  const void* address = peer.ss_family == AF_INET
                            ? static_cast<void*>(&reinterpret_cast<sockaddr_in*>(&peer)->sin_addr)
                            : &reinterpret_cast<sockaddr_in6*>(&peer)->sin6_addr;
  printf("peer: %s\n", inet_ntop(peer.ss_family, address, text, sizeof(text)));
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    const int fd = Socket(target.family(), SOCK_STREAM);
    const int result = connect(fd, target.address(), target.length);
    Report("connect", result);
    if (result == 0) ReportPeer(fd);
    close(fd);
  }
  return 0;
}
