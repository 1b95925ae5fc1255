// Connects to each Unix socket named: a path, or with a leading @ an abstract name.

#include <stddef.h>
#include <sys/un.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, argv[i], sizeof address.sun_path - 1);
    if (argv[i][0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + strlen(argv[i]));
    const int fd = Socket(AF_UNIX, SOCK_STREAM);
    Report("connect", connect(fd, reinterpret_cast<const sockaddr*>(&address), length));
    close(fd);
  }
  return 0;
}
