// Loaded into a program (LD_PRELOAD), puts its monotonic clock ahead by as many seconds as the file
// CLOCK_AHEAD holds, an int64_t that may change while it runs: how a test sees minutes pass. A
// program that does not find the file has the clock as it is.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace {

const volatile int64_t* MapAhead() {
  static const int64_t none = 0;
  const char* path = getenv("CLOCK_AHEAD");
  const int file = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  void* mapped = file < 0 ? MAP_FAILED : mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, file, 0);
  if (file >= 0) close(file);
  return mapped == MAP_FAILED ? &none : static_cast<const int64_t*>(mapped);
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int clock_gettime(clockid_t clock,
                                                            timespec* time) noexcept {
  static const volatile int64_t* const ahead = MapAhead();
  const int result = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  if (result == 0 && clock == CLOCK_MONOTONIC) time->tv_sec += *ahead;
  return result;
}
