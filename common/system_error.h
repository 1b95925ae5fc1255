#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include "common/result.h"

namespace namegate {

// "ACTION: what errno says": of a system call that has just failed.
inline Error SystemError(const std::string& action) {
  return Error{action + ": " + std::strerror(errno)};
}

}  // namespace namegate
