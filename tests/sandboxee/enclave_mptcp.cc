// Connects to every ADDRESS PORT by Multipath TCP, sends an octet and waits for what comes back.

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  constexpr int kMptcp = 262;  // IPPROTO_MPTCP
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    const int fd = socket(target.family(), SOCK_STREAM, kMptcp);
    if (fd < 0) {
      Report("socket", fd);
      continue;
    }
    const int connected = connect(fd, target.address(), target.length);
    Report("connect", connected);
    char octet = 'x';
    if (connected == 0 && send(fd, &octet, 1, 0) == 1) Report("recv", recv(fd, &octet, 1, 0));
    close(fd);
  }
  return 0;
}
