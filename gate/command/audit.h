#pragma once

#include <CLI/CLI.hpp>

#include "gate/command/common_options.h"

namespace namegate::command {

// Adds `audit` and its subcommands to `app`. They read `options` when they run, which is inside
// app.parse(), and leave the exit status in `*exit_status`: 0 ok, 1 trouble, 2 usage. Both must
// outlive the parse. `--state-dir`, `--config` and `--json` are declared by the caller on `app`,
// with fallthrough, so that they may stand anywhere on the command line; `audit` sets fallthrough
// on its own subcommands.
void AddAuditCommand(CLI::App& app, const CommonOptions& options, int* exit_status);

}  // namespace namegate::command
