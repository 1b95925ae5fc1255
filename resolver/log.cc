#include "resolver/log.h"

#include <spdlog/spdlog.h>

namespace namegate::resolver {

void LogDebug(std::string_view line) { spdlog::debug("{}", line); }
void LogInfo(std::string_view line) { spdlog::info("{}", line); }
void LogWarning(std::string_view line) { spdlog::warn("{}", line); }
void LogError(std::string_view line) { spdlog::error("{}", line); }

}  // namespace namegate::resolver
