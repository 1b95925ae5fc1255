// Connects without waiting, then waits with poll() and asks the socket how it went.

#include <poll.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_STREAM | SOCK_NONBLOCK);
  const int result = connect(fd, target.address(), target.length);
  Report("connect", result);
  if (result == 0 || errno != EINPROGRESS) return 0;
  pollfd polled = {fd, POLLOUT, 0};
  Report("poll", poll(&polled, 1, 10000) == 1 ? 0 : -1);
  int error = -1;
  socklen_t size = sizeof(error);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  printf("SO_ERROR: %d\n", error);
  return 0;
}
