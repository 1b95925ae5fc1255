#pragma once

#include <cstdint>

#include "common/unique_fd.h"

namespace namegate::resolver {

// Knows when something of the host's network has changed, so that what was looked up about it can
// be kept until then.
class NetworkChanges {
 public:
  // `groups`: what to hear of, RTMGRP_… bits (rtnetlink(7)).
  explicit NetworkChanges(uint32_t groups);

  // True if anything has changed since the last call, and at the first. What it was does not
  // matter: whoever asks looks again.
  bool Any();

 private:
  UniqueFd socket_;  // without it every call says that something has
  bool asked_ = false;
};

}  // namespace namegate::resolver
