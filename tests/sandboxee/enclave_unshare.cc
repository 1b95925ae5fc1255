// Makes namespaces of its own, users and network, then network alone, and connects to every ADDRESS
// PORT from within; back in the namespace that it came from it connects again.

#include <fcntl.h>
#include <sched.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

void ConnectToAll(int argc, char** argv) {
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    const int fd = Socket(target.family(), SOCK_STREAM);
    Report("connect", connect(fd, target.address(), target.length));
    close(fd);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  Report("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNET));
  ConnectToAll(argc, argv);
  Report("unshare", unshare(CLONE_NEWNET));
  ConnectToAll(argc, argv);
  setns(home, CLONE_NEWNET);  // refused to an ordinary user, who stays where nothing leads out
  ConnectToAll(argc, argv);
  return 0;
}
