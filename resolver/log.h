#pragma once

#include <string_view>

namespace namegate::resolver {

// The daemon's log, set up in main.cc: a line each. Kept apart because the library's templates take
// the compiler longer than all that uses them.
void LogDebug(std::string_view line);
void LogInfo(std::string_view line);
void LogWarning(std::string_view line);
void LogError(std::string_view line);

}  // namespace namegate::resolver
