// Addresses cut off at every length, and lengths that no address has, to every function that takes
// one. Prints how many calls were made and how many of them failed with EINVAL.

#include <limits.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

int calls = 0;
int invalid = 0;

void Count(long result) {
  ++calls;
  if (result < 0 && errno == EINVAL) ++invalid;
}

void Try(const Target& target, int type, socklen_t length) {
  const int fd = Socket(target.family(), type);
  Count(connect(fd, target.address(), length));
  if (type == SOCK_DGRAM) Count(sendto(fd, "x", 1, 0, target.address(), length));
  close(fd);
}

void TryAll(const Target& target, int type) {
  const socklen_t whole = target.family() == AF_INET ? 16 : 24;
  for (socklen_t length = 0; length < whole; ++length) Try(target, type, length);
  Try(target, type, sizeof(sockaddr_storage) + 1);
  Try(target, type, INT_MAX);
  Try(target, type, UINT_MAX);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    TryAll(ArgumentTarget(argc, argv, i), SOCK_STREAM);
    TryAll(ArgumentTarget(argc, argv, i), SOCK_DGRAM);
  }
  printf("%s of %d calls failed with EINVAL\n", calls == invalid ? "all" : "not all", calls);
  return 0;
}
