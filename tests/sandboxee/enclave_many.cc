// ADDRESS PORT COUNT: so many connects at once, each non-blocking and watched by epoll from before
// it starts; says how many of them came about.

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

int Start(int epoll, const Target& target) {
  const int fd = Socket(target.family(), SOCK_STREAM | SOCK_NONBLOCK);
  epoll_event event = {};
  event.events = EPOLLOUT | EPOLLET;
  event.data.fd = fd;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  if (connect(fd, target.address(), target.length) != 0 && errno != EINPROGRESS) return -1;
  return fd;
}

bool IsConnected(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  sockaddr_storage peer = {};
  length = sizeof peer;
  return error == 0 && getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int count = argc > 3 ? atoi(argv[3]) : 1;
  const rlimit files = {static_cast<rlim_t>(count) + 64, static_cast<rlim_t>(count) + 64};
  setrlimit(RLIMIT_NOFILE, &files);
  const int epoll = epoll_create1(0);
  int connected = 0;
  int failed = 0;
  for (int i = 0; i < count; ++i) {
    if (Start(epoll, target) < 0) ++failed;
  }
  while (connected + failed < count) {
    epoll_event event = {};
    if (epoll_wait(epoll, &event, 1, 30000) <= 0) break;
    // A first event for a socket that has not started is EPOLLHUP alone.
    if ((event.events & EPOLLOUT) == 0 || (event.events & EPOLLHUP) != 0) {
      if ((event.events & EPOLLERR) != 0) ++failed;
      continue;
    }
    ++(IsConnected(event.data.fd) ? connected : failed);
  }
  printf("connected %d, failed %d\n", connected, failed);
  return 0;
}
