// The operator's configuration: trusted, but a slip in it must be an error with a place, not a
// crash.

#include <sys/mman.h>
#include <unistd.h>

#include "common/config.h"
#include "common/unique_fd.h"
#include "tests/fuzz/promise.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace namegate;
  const UniqueFd file(memfd_create("config", MFD_CLOEXEC));
  testing::Promise(write(file.get(), data, size) == static_cast<ssize_t>(size), "a file to read");
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  const auto config = Config::Load(path, std::nullopt);
  if (!config) {
    testing::Promise(config.error().message.find(path) != std::string::npos,
                     "a refusal names the file");
    return 0;
  }
  testing::Promise(config->state_dir.starts_with('/'), "the state directory is absolute");
  for (const UpstreamAddress& upstream : config->upstreams) {
    testing::Promise(upstream.endpoint.port != 0, "an upstream has a port");
  }
  return 0;
}
