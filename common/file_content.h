#pragma once

#include <string>

namespace namegate {

// The octets of a file, such as one of /proc; none if it cannot be read.
std::string ContentOf(const std::string& path);

}  // namespace namegate
