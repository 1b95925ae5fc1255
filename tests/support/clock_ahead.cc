// Loaded into a program (LD_PRELOAD), has its monotonic clock stand still but for the seconds that
// the file CLOCK_AHEAD holds, an int64_t that may change while it runs: how a test sees minutes
// pass, and no moment more. A program that does not find the file has the clock as it is.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace {

// Null if there is no such file.
const volatile int64_t* MapAhead() {
  constexpr size_t kSize = sizeof(int64_t);
  const char* path = getenv("CLOCK_AHEAD");
  const int file = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  void* mapped = file < 0 ? MAP_FAILED : mmap(nullptr, kSize, PROT_READ, MAP_SHARED, file, 0);
  if (file >= 0) close(file);
  return mapped == MAP_FAILED ? nullptr : static_cast<const int64_t*>(mapped);
}

timespec Now() {
  timespec now = {};
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return now;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int clock_gettime(clockid_t clock,
                                                            timespec* time) noexcept {
  static const volatile int64_t* const ahead = MapAhead();
  static const timespec begin = Now();
  if (clock != CLOCK_MONOTONIC || ahead == nullptr) {
    return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  }
  *time = begin;
  time->tv_sec += *ahead;
  return 0;
}
