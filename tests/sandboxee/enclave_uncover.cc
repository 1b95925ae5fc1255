// Pairs DIRECTORY NAME: holds each DIRECTORY open, lets the mount namespace that it is in end by
// making one of its own, and connects to the Unix sockets NAME as seen from these directories.

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/un.h>

#include <vector>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  std::vector<int> directories;
  for (int i = 1; i + 1 < argc; i += 2) directories.push_back(open(argv[i], O_PATH | O_DIRECTORY));
  Report("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNS));
  for (size_t i = 0; i < directories.size(); ++i) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directories[i],
             argv[2 * i + 2]);
    const int fd = Socket(AF_UNIX, SOCK_STREAM);
    Report("connect", connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
    close(fd);
  }
  return 0;
}
