#include "common/iso_time.h"

#include <time.h>

namespace namegate {

std::string IsoTime(int64_t time_us) {
  constexpr int64_t kSecondUs = 1'000'000;
  int64_t micros = time_us % kSecondUs;
  time_t seconds = time_us / kSecondUs;
  if (micros < 0) {
    micros += kSecondUs;
    --seconds;
  }
  tm utc{};
  char text[40];
  if (gmtime_r(&seconds, &utc) == nullptr ||
      strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &utc) == 0) {
    return std::to_string(time_us);
  }
  return text + std::to_string(kSecondUs + micros).substr(1) + "Z";
}

}  // namespace namegate
