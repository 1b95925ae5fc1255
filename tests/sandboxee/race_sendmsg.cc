// ADDRESS PORT ADDRESS PORT ROUNDS: sends messages whose header another thread keeps pointing at
// the one or the other target, through sendmsg() and sendmmsg(). Prints how the attempts ended.

#include <pthread.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

Target targets[2];
mmsghdr message;
bool stop = false;

void* Flip(void*) {
  void* volatile* name = &message.msg_hdr.msg_name;
  for (unsigned i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); ++i) {
    *name = &targets[i / 64 % 2].storage;
  }
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  targets[0] = ArgumentTarget(argc, argv, 0);
  targets[1] = ArgumentTarget(argc, argv, 1);
  static char byte = 'x';
  static iovec data = {&byte, 1};
  message.msg_hdr.msg_name = &targets[0].storage;
  message.msg_hdr.msg_namelen = targets[0].length;
  message.msg_hdr.msg_iov = &data;
  message.msg_hdr.msg_iovlen = 1;
  pthread_t flipper;
  pthread_create(&flipper, nullptr, Flip, nullptr);
  const int fd = Socket(AF_INET, SOCK_DGRAM);
  int sent = 0;
  int denied = 0;
  for (int i = 0; i < atoi(argv[5]); ++i) {
    const long result =
        i % 2 == 0 ? sendmsg(fd, &message.msg_hdr, 0) : sendmmsg(fd, &message, 1, 0);
    if (result > 0) ++sent;
    if (result < 0 && errno == EACCES) ++denied;
  }
  __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
  pthread_join(flipper, nullptr);
  printf("sent: %s\ndenied: %s\n", sent > 0 ? "some" : "none", denied > 0 ? "some" : "none");
  return 0;
}
