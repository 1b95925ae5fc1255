// Connects by the connect() of a C library of its own, loaded into a new link namespace, where no
// preloaded library comes first.

#include <dlfcn.h>

#include "tests/sandboxee/sandboxee.h"

int main(int argc, char** argv) {
  void* library = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
  if (library == nullptr) GiveUp("no second C library");
  const auto own_connect =
      reinterpret_cast<int (*)(int, const sockaddr*, socklen_t)>(dlsym(library, "connect"));
  for (int i = 0; 2 * i + 2 < argc; ++i) {
    const Target target = ArgumentTarget(argc, argv, i);
    const int fd = Socket(target.family(), SOCK_STREAM);
    printf("connect: %s\n",
           own_connect(fd, target.address(), target.length) == 0 ? "OK" : "refused");
    close(fd);
  }
  return 0;
}
