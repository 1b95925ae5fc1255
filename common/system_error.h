#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include "common/result.h"

namespace namegate {

// "ACTION: what errno says": of a system call that has just failed, or failed with `error`.
inline Error SystemError(const std::string& action, int error = errno) {
  return Error{action + ": " + std::strerror(error)};
}

}  // namespace namegate
