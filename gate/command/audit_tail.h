#pragma once

#include "common/result.h"
#include "gate/command/audit_filter.h"
#include "gate/command/common_options.h"

namespace namegate::command {

// Prints the latest queries and connections, one a line (JSON: an object a line), and with `follow`
// goes on with what is recorded from then on, until standard output is closed.
Result<void> AuditTail(const CommonOptions& common, const AuditOptions& options, bool follow);

}  // namespace namegate::command
