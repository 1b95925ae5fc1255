// Linked statically, so that no library can be loaded into it, and connects to every ADDRESS PORT
// by an inline system call.

#include <sys/syscall.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    const long fd = syscall(SYS_socket, target.family(), SOCK_STREAM, 0);
    Report("connect", syscall(SYS_connect, fd, target.address(), target.length));
    close(static_cast<int>(fd));
  }
  return 0;
}
