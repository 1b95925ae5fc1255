// Connects a UDP socket, sends through both names of send(), dissolves the connection.

#include <dlfcn.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

// Looked up, because not every architecture's libc lets new programs link with the old names.
template <typename Function>
Function* ByOldName(const char* name, Function*) {
  void* const found = dlsym(RTLD_DEFAULT, name);
  if (found == nullptr) GiveUp(name);
  return __builtin_bit_cast(Function*, found);
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const int fd = Socket(target.family(), SOCK_DGRAM);
  Report("connect", connect(fd, target.address(), target.length));
  Report("send", send(fd, "a", 1, 0));
  Report("__send", ByOldName("__send", send)(fd, "b", 1, 0));
  sockaddr unspecified = {};
  unspecified.sa_family = AF_UNSPEC;
  Report("dissolve", connect(fd, &unspecified, sizeof(unspecified)));
  Report("send", send(fd, "c", 1, 0));
  Report("__connect", ByOldName("__connect", connect)(fd, target.address(), target.length));
  return 0;
}
