// Says which descriptors it was started with.

#include <fcntl.h>

#include "tests/sandboxee/sandboxee.h"

int main() {
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) printf("%d ", fd);
  }
  printf("\n");
  return 0;
}
