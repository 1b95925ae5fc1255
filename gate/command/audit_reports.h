#pragma once

#include <string>

#include "common/result.h"
#include "common/sqlite.h"
#include "gate/command/audit_filter.h"
#include "gate/command/common_options.h"

namespace namegate::command {

// What `namegate audit …` prints. Each opens the ledger that `common` names, to read.

// How much there is of everything, and what was denied most.
Result<void> AuditSummary(const CommonOptions& common, const AuditOptions& options);
// The latest rows of a view, oldest first.
Result<void> AuditQueries(const CommonOptions& common, const AuditOptions& options);
Result<void> AuditConnections(const CommonOptions& common, const AuditOptions& options);
Result<void> AuditDenied(const CommonOptions& common, const AuditOptions& options);
// The ledger that `common` names, opened to read.
Result<Database> OpenLedger(const CommonOptions& common);

}  // namespace namegate::command
