// ADDRESS PORT MODE [ADDRESS PORT]: is denied a connection while standard error is `closed`, a pipe
// that is `broken` or `full`, or a connection to the second target (`network`).

#include <fcntl.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

void BreakPipe() {
  int ends[2];
  if (pipe(ends) != 0) exit(2);
  dup2(ends[1], 2);
  close(ends[0]);
  close(ends[1]);
}

void FillPipe() {
  int ends[2];
  if (pipe(ends) != 0) exit(2);
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  char block[4096] = {};
  while (write(ends[1], block, sizeof(block)) > 0) {
  }
  fcntl(ends[1], F_SETFL, 0);
  dup2(ends[1], 2);
}

void ConnectStderr(const Target& target) {
  const int fd = Socket(target.family(), SOCK_STREAM);
  Report("stderr", connect(fd, target.address(), target.length));
  dup2(fd, 2);
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_STREAM);
  if (strcmp(argv[3], "closed") == 0) close(2);
  if (strcmp(argv[3], "broken") == 0) BreakPipe();
  if (strcmp(argv[3], "full") == 0) FillPipe();
  if (strcmp(argv[3], "network") == 0 && argc > 5) ConnectStderr(MakeTarget(argv[4], argv[5]));
  Report("connect", connect(fd, target.address(), target.length));
  return 0;
}
