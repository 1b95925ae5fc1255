// ADDRESS PORT ADDRESS PORT THREADS: as many threads at once as are asked for; even ones connect to
// the first target, odd ones to the second. Prints how many of each succeeded and failed with
// EACCES.

#include <pthread.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

struct Side {
  Target target;
  int ok = 0;
  int denied = 0;
  int other = 0;
};

Side sides[2];
pthread_barrier_t start;

void* Connect(void* argument) {
  Side& side = *static_cast<Side*>(argument);
  // UDP, so that only the gate is under load and not the listener's queue.
  const int fd = socket(side.target.family(), SOCK_DGRAM, 0);
  pthread_barrier_wait(&start);
  const int result = connect(fd, side.target.address(), side.target.length);
  int& count = result == 0 ? side.ok : errno == EACCES ? side.denied : side.other;
  __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
  if (fd >= 0) close(fd);
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  sides[0].target = ArgumentTarget(argc, argv, 0);
  sides[1].target = ArgumentTarget(argc, argv, 1);
  const unsigned count = static_cast<unsigned>(atoi(argv[5]));
  pthread_barrier_init(&start, nullptr, count);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  pthread_t* threads = static_cast<pthread_t*>(calloc(count, sizeof(pthread_t)));
  for (unsigned i = 0; i < count; ++i) {
    if (pthread_create(&threads[i], &small, Connect, &sides[i % 2]) != 0) {
      GiveUp("cannot make so many threads");
    }
  }
  for (unsigned i = 0; i < count; ++i) pthread_join(threads[i], nullptr);
  free(threads);
  printf("first: %d ok, %d denied, %d other\n", sides[0].ok, sides[0].denied, sides[0].other);
  printf("second: %d ok, %d denied, %d other\n", sides[1].ok, sides[1].denied, sides[1].other);
  return 0;
}
