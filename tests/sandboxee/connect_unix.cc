// PATH: what stays on this host needs no verdict.

#include <linux/netlink.h>
#include <sys/un.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  sockaddr_un path = {};
  path.sun_family = AF_UNIX;
  strncpy(path.sun_path, argv[1], sizeof(path.sun_path) - 1);
  const int stream = Socket(AF_UNIX, SOCK_STREAM);
  Report("connect AF_UNIX",
         connect(stream, reinterpret_cast<const sockaddr*>(&path), sizeof(path)));
  const int netlink = Socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  Report("connect AF_NETLINK",
         connect(netlink, reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel)));
  const int inet = Socket(AF_INET, SOCK_STREAM);
  sockaddr_storage foreign = {};
  foreign.ss_family = AF_VSOCK;
  Report("connect AF_VSOCK",
         connect(inet, reinterpret_cast<const sockaddr*>(&foreign), sizeof(foreign)));
  return 0;
}
