#include "tests/crash/power_cut.h"

#include <filesystem>

#include "tests/crash/faults.h"

namespace namegate::testing {

void CutPower(const std::string& path) {
  std::error_code missing;
  for (const char* part : {"", "-wal", "-journal"}) {
    const std::string file = path + part;
    // A daemon that died before it opened the file has left no copy, and the file as it was.
    std::filesystem::rename(file + kDurableSuffix, file, missing);
  }
  std::filesystem::remove(path + "-shm", missing);
}

}  // namespace namegate::testing
