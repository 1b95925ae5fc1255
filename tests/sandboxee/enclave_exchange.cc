// ADDRESS PORT OCTETS: sends so many octets, ends its side, and reads until the far end does.

#include <poll.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

// The same on both sides, and no two places alike for a while.
unsigned char OctetAt(long position) { return static_cast<unsigned char>(position * 7 % 251); }

struct Progress {
  long sent = 0;
  long received = 0;
  bool intact = true;
};

bool Send(int fd, long octets, Progress& progress) {
  char buffer[16384];
  long size = octets - progress.sent;
  if (size > static_cast<long>(sizeof buffer)) size = sizeof buffer;
  for (long i = 0; i < size; ++i) buffer[i] = static_cast<char>(OctetAt(progress.sent + i));
  const ssize_t put = send(fd, buffer, static_cast<size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (put < 0) return errno == EAGAIN;
  progress.sent += put;
  if (progress.sent == octets) shutdown(fd, SHUT_WR);
  return true;
}

// False at the end.
bool Receive(int fd, Progress& progress) {
  unsigned char buffer[16384];
  const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
  for (ssize_t i = 0; i < got; ++i) {
    if (buffer[i] != OctetAt(progress.received + i)) progress.intact = false;
  }
  if (got > 0) progress.received += got;
  if (got < 0) Report("recv", got);
  return got > 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const long octets = argc > 3 ? atol(argv[3]) : 1;
  const int fd = Socket(target.family(), SOCK_STREAM);
  const int result = connect(fd, target.address(), target.length);
  Report("connect", result);
  if (result != 0) return 1;
  Progress progress;
  for (;;) {
    pollfd events = {fd, POLLIN, 0};
    if (progress.sent < octets) events.events |= POLLOUT;
    if (poll(&events, 1, -1) < 0) return 2;
    if ((events.revents & POLLOUT) != 0 && !Send(fd, octets, progress)) break;
    if ((events.revents & ~POLLOUT) != 0 && !Receive(fd, progress)) break;
  }
  printf("sent %ld, received %ld, %s\n", progress.sent, progress.received,
         progress.intact ? "intact" : "changed");
  return 0;
}
