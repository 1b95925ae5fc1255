// Connects to every ADDRESS PORT in all the ways that programs do, and says all that a program can
// learn from it. Its output outside and inside must be the same.

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

const char* NameOf(int error) { return error == 0 ? "0" : strerrorname_np(error); }

int PendingError(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

// The far end's address as the kernel has it, and an octet there and back.
void Use(int fd) {
  sockaddr_storage peer = {};
  socklen_t length = sizeof peer;
  Report("  getpeername", getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length));
  Report("  send", send(fd, "x", 1, MSG_NOSIGNAL));
  char octet = 0;
  const ssize_t got = recv(fd, &octet, 1, 0);
  Report("  recv", got);
  if (got == 1) printf("  octet: %c\n", octet);
}

void Blocking(const Target& target) {
  const int fd = Socket(target.family(), SOCK_STREAM);
  const int result = connect(fd, target.address(), target.length);
  Report("blocking", result);
  if (result == 0) {
    Report("again", connect(fd, target.address(), target.length));
    Use(fd);
  } else {
    sockaddr_storage peer = {};
    socklen_t length = sizeof peer;
    Report("  getpeername", getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length));
  }
  close(fd);
}

void Nonblocking(const Target& target) {
  const int fd = Socket(target.family(), SOCK_STREAM | SOCK_NONBLOCK);
  const int result = connect(fd, target.address(), target.length);
  Report("non-blocking", result);
  if (result != 0 && errno != EINPROGRESS) return;
  pollfd wanted = {fd, POLLOUT, 0};
  poll(&wanted, 1, 30'000);
  printf("  poll: %s%s%s\n", (wanted.revents & POLLOUT) != 0 ? "OUT " : "",
         (wanted.revents & POLLERR) != 0 ? "ERR " : "",
         (wanted.revents & POLLHUP) != 0 ? "HUP" : "");
  const int error = PendingError(fd);
  printf("  SO_ERROR: %s, then %s\n", NameOf(error), NameOf(PendingError(fd)));
  if (error == 0) Report("  again", connect(fd, target.address(), target.length));
  fcntl(fd, F_SETFL, 0);
  if (error == 0) Use(fd);
  close(fd);
}

// Watched from before or after connect(); the last event tells.
void Epoll(const Target& target, bool before) {
  const int fd = Socket(target.family(), SOCK_STREAM | SOCK_NONBLOCK);
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  if (before) epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  const int result = connect(fd, target.address(), target.length);
  Report(before ? "epoll before" : "epoll after", result);
  if (result != 0 && errno != EINPROGRESS) return;
  if (!before) epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  // A socket that has not started yet reports OUT and HUP at once.
  do {
    event.events = 0;
    if (epoll_wait(epoll, &event, 1, 30'000) <= 0) break;
  } while ((event.events & EPOLLHUP) != 0 && (event.events & EPOLLERR) == 0);
  printf("  epoll: %s%s%s\n", (event.events & EPOLLOUT) != 0 ? "OUT " : "",
         (event.events & EPOLLERR) != 0 ? "ERR " : "", (event.events & EPOLLHUP) != 0 ? "HUP" : "");
  printf("  SO_ERROR: %s\n", NameOf(PendingError(fd)));
  close(epoll);
  close(fd);
}

void FastOpen(const Target& target) {
  const int fd = Socket(target.family(), SOCK_STREAM);
  Report("fast open",
         sendto(fd, "f", 1, MSG_FASTOPEN | MSG_NOSIGNAL, target.address(), target.length));
  char octet = 0;
  Report("  recv", recv(fd, &octet, 1, 0));
  close(fd);
  const int put_off = Socket(target.family(), SOCK_STREAM);
  const int on = 1;
  setsockopt(put_off, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
  const int result = connect(put_off, target.address(), target.length);
  Report("fast open, put off", result);
  Report("  send", send(put_off, "x", 1, MSG_NOSIGNAL));
  if (result == 0) Report("  recv", recv(put_off, &octet, 1, 0));
  close(put_off);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    printf("%s\n", argv[2 * i + 1]);
    Blocking(target);
    Nonblocking(target);
    Epoll(target, true);
    Epoll(target, false);
    FastOpen(target);
  }
  return 0;
}
