#pragma once

#include <string>

#include "common/unique_fd.h"

namespace namegate {

// A path, for this process alone, to what `fd` is open on, whatever has become of its name. Short
// enough to have a Unix socket's name put behind it.
inline std::string PathThrough(const UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

}  // namespace namegate
