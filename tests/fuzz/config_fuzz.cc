// The operator's configuration: trusted, but a slip in it must be an error with a place, not a
// crash.

#include <sys/mman.h>
#include <unistd.h>

#include "common/config.h"
#include "common/unique_fd.h"
#include "tests/fuzz/promise.h"

namespace namegate::testing {
namespace {

void TryInput(const uint8_t* data, size_t size) {
  const UniqueFd file(memfd_create("config", MFD_CLOEXEC));
  Promise(write(file.get(), data, size) == static_cast<ssize_t>(size), "a file to read");
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  const auto config = Config::Load(path, std::nullopt);
  if (!config) {
    Promise(config.error().message.find(path) != std::string::npos, "a refusal names the file");
    return;
  }
  Promise(config->state_dir.starts_with('/'), "the state directory is absolute");
  for (const UpstreamAddress& upstream : config->upstreams) {
    Promise(upstream.endpoint.port != 0, "an upstream has a port");
  }
}

}  // namespace
}  // namespace namegate::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namegate::testing::TryInput(data, size);
  return 0;
}
