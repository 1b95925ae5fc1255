#pragma once

#include <string>

#include "common/result.h"
#include "gate/command/audit_filter.h"
#include "gate/command/common_options.h"

namespace namegate::command {

struct ExportOptions {
  std::string format = "jsonl";  // or "csv"
  std::string view;              // empty: all of them, each row with the name of its view
};

// An empty text if there is such a view to export; else what is wrong.
std::string CheckView(const std::string& name);

// Prints whole views of the ledger, row by row as they are read.
Result<void> AuditExport(const CommonOptions& common, const AuditOptions& filter,
                         const ExportOptions& options);

}  // namespace namegate::command
