// ADDRESS PORT ADDRESS PORT ROUNDS: connects again and again to an address that another thread
// keeps flipping between the two targets. Prints how the attempts ended.

#include <pthread.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

Target targets[2];
Target flipping;
bool stop = false;

void* Flip(void*) {
  volatile uint16_t* port = &reinterpret_cast<sockaddr_in*>(&flipping.storage)->sin_port;
  const uint16_t ports[2] = {reinterpret_cast<sockaddr_in*>(&targets[0].storage)->sin_port,
                             reinterpret_cast<sockaddr_in*>(&targets[1].storage)->sin_port};
  for (unsigned i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); ++i) *port = ports[i / 64 % 2];
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  targets[0] = ArgumentTarget(argc, argv, 0);
  targets[1] = ArgumentTarget(argc, argv, 1);
  flipping = targets[0];
  pthread_t flipper;
  pthread_create(&flipper, nullptr, Flip, nullptr);
  int connected = 0;
  int denied = 0;
  for (int i = 0; i < atoi(argv[5]); ++i) {
    const int fd = Socket(AF_INET, SOCK_DGRAM);
    const int result = connect(fd, flipping.address(), flipping.length);
    if (result == 0) {
      ++connected;
      send(fd, "x", 1, 0);
    } else if (errno == EACCES) {
      ++denied;
    }
    close(fd);
  }
  __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
  pthread_join(flipper, nullptr);
  printf("connected: %s\ndenied: %s\n", connected > 0 ? "some" : "none",
         denied > 0 ? "some" : "none");
  return 0;
}
