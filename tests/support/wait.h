#pragma once

#include <functional>

namespace namegate::testing {

// Waits until it holds; false if it did not for a long while.
bool WaitFor(const std::function<bool()>& condition);

}  // namespace namegate::testing
