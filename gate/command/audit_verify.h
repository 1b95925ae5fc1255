#pragma once

#include <optional>
#include <string>

#include "common/result.h"
#include "gate/command/common_options.h"

namespace namegate::command {

struct VerifyOptions {
  bool head_only = false;            // print the last seal, verify nothing
  std::optional<std::string> since;  // a head that was printed before
  std::optional<std::string> key;    // a file; nothing: the daemon's, if it is there
};

// Whether `text` can be a head at all; the error says what one looks like.
Result<void> CheckHead(const std::string& text);

// Holds the ledger against its seals and prints what was found. The result says whether nothing
// was; it is an error if the ledger cannot be read.
Result<bool> AuditVerify(const CommonOptions& common, const VerifyOptions& options);

}  // namespace namegate::command
