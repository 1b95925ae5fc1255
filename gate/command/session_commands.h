#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gate/command/common_options.h"
#include "gate/command/session_rules.h"

namespace namegate::command {

struct SessionOpenOptions {
  RuleOptions rules;
  std::optional<std::string> listen;
  std::optional<std::string> client;
  std::optional<std::string> label;
};

struct SessionUpdateOptions {
  RuleOptions rules;
  std::vector<std::string> remove;  // --remove
};

// Each returns the exit status. They speak to a daemon that runs already.
int OpenSession(const CommonOptions& common, const SessionOpenOptions& options);
int ListSessions(const CommonOptions& common);
// `session` is an id or a label.
int ShowSession(const CommonOptions& common, const std::string& session);
// Removes first, then adds.
int UpdateSession(const CommonOptions& common, const std::string& session,
                  const SessionUpdateOptions& options);
int CloseSession(const CommonOptions& common, const std::string& session);

}  // namespace namegate::command
