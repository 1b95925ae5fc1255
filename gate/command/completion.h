#pragma once

#include <string>

namespace namegate::command {

// Prints the completion script for "bash" or "zsh"; another shell is a usage error.
int PrintCompletion(const std::string& shell);

}  // namespace namegate::command
