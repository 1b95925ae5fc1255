// Sends one datagram to every ADDRESS PORT from a connected socket and waits for what comes back.

#include <sys/time.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    const int fd = Socket(target.family(), SOCK_DGRAM);
    const timeval patience = {20, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (const int result = connect(fd, target.address(), target.length); result != 0) {
      Report("connect", result);
      close(fd);
      continue;
    }
    send(fd, "ping", 4, 0);
    char buffer[16] = "";
    Report("recv", recv(fd, buffer, sizeof buffer - 1, 0));
    if (buffer[0] != '\0') printf("%s\n", buffer);
    close(fd);
  }
  return 0;
}
