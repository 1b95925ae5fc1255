#pragma once

#include <sys/types.h>

#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace namegate::resolver {

// A listening SOCK_SEQPACKET socket at `path`, in the place of what is there: at no moment is
// nothing there.
Result<UniqueFd> ListenUnix(const std::string& path, mode_t mode);

}  // namespace namegate::resolver
