#pragma once

#include <stdint.h>

#include "gate/preload/line.h"

namespace namegate::preload {

// True the first time this process is told of `what`. Lock-free; forgets after some hundreds of
// others, so that it may repeat itself but is never silent about something new.
bool IsNews(uint64_t what);

// Writes the line to standard error, if that can be done at once, without a signal, and is not a
// network connection that happens to have number 2.
void WriteToStderr(Line& line);

}  // namespace namegate::preload
