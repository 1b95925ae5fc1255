// Sends a datagram that is larger than any packet to every ADDRESS PORT and waits for what comes
// back. Linked statically, so that no library asks first.

#include <sys/time.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    const int fd = Socket(target.family(), SOCK_DGRAM);
    const timeval patience = {20, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char buffer[4000] = "";
    if (connect(fd, target.address(), target.length) != 0) GiveUp("connect");
    if (send(fd, buffer, sizeof buffer, 0) < 0) GiveUp("send");
    Report("recv", recv(fd, buffer, sizeof buffer, 0));
    close(fd);
  }
  return 0;
}
