#include "tests/crash/faults.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/unique_fd.h"

namespace namegate::testing {

FaultPage* MapFaults(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd || ftruncate(fd.get(), sizeof(FaultPage)) != 0) return nullptr;
  void* page = mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  return page == MAP_FAILED ? nullptr : static_cast<FaultPage*>(page);
}

}  // namespace namegate::testing
