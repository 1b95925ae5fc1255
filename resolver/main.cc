// namegated: reads its options, starts the daemon, says that it is ready.

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "common/config.h"
#include "common/escape.h"
#include "common/unique_fd.h"
#include "resolver/daemon.h"
#include "resolver/dns.h"

namespace {

using namegate::Config;
using namegate::Endpoint;
using namegate::Error;
using namegate::kDnsPort;
using namegate::Printable;
using namegate::Result;
using namegate::UniqueFd;
using namegate::UpstreamAddress;
using namegate::resolver::Daemon;

struct CommandLine {
  std::optional<std::string> state_dir;
  std::optional<std::string> config;
  std::vector<std::string> upstreams;
  std::vector<std::string> listen;
  bool exit_when_idle = false;
  int ready_fd = -1;
};

void Describe(CLI::App& app, CommandLine& line) {
  app.add_option("--state-dir", line.state_dir,
                 "Directory of the ledger and the sockets (default: /var/lib/namegate for root, "
                 "else ~/.local/state/namegate)");
  app.add_option("--config", line.config,
                 "Configuration file (default: /etc/namegate/namegate.toml for root, else "
                 "~/.config/namegate/namegate.toml, if it is there)");
  app.add_option("--upstream", line.upstreams,
                 "Resolver to ask, ADDR, ADDR:PORT or tls://ADDR[:PORT]@NAME for DNS over TLS; "
                 "repeat for more (default: those of the configuration, else of /etc/resolv.conf)");
  app.add_option(
      "--listen", line.listen,
      "Address that sessions by client prefix share, ADDR or ADDR:PORT; repeat for more");
  app.add_flag("--exit-when-idle", line.exit_when_idle,
               "Leave when the last session and the last control connection are closed");
  app.add_option("--ready-fd", line.ready_fd,
                 "Descriptor to write \"ready\" or \"error: …\" to when it is known which");
  app.set_version_flag("--version", std::string("namegated ") + NAMEGATE_VERSION);
  app.footer(
      "Sessions are opened with `namegate session open` or `namegate run`.\n"
      "Signals: SIGTERM and SIGINT answer what was accepted, then exit 0.");
}

Result<void> AddUpstreams(const std::vector<std::string>& texts,
                          std::vector<UpstreamAddress>& upstreams) {
  if (!texts.empty()) upstreams.clear();
  for (const std::string& text : texts) {
    const auto upstream = UpstreamAddress::FromText(text);
    if (!upstream) {
      return Error{"--upstream '" + Printable(text) + "' is no resolver's address; " +
                   namegate::kUpstreamAddressForms};
    }
    upstreams.push_back(*upstream);
  }
  return {};
}

Result<void> AddEndpoints(const std::vector<std::string>& texts, const char* option,
                          std::vector<Endpoint>& endpoints) {
  if (!texts.empty()) endpoints.clear();
  for (const std::string& text : texts) {
    const auto endpoint = Endpoint::FromText(text, kDnsPort);
    if (!endpoint) {
      return Error{std::string(option) + " '" + Printable(text) +
                   "': write an address, 192.0.2.53 or 192.0.2.53:5353 or [2001:db8::53]:53"};
    }
    endpoints.push_back(*endpoint);
  }
  return {};
}

Result<std::unique_ptr<Daemon>> StartDaemon(const CommandLine& line) {
  auto config = Config::Load(line.config, line.state_dir);
  if (!config) return config.error();
  if (auto added = AddUpstreams(line.upstreams, config->upstreams); !added) return added.error();
  if (auto added = AddEndpoints(line.listen, "--listen", config->listen); !added) {
    return added.error();
  }
  spdlog::set_level(spdlog::level::from_str(config->log_level));
  return Daemon::Start({.config = *config, .exit_when_idle = line.exit_when_idle});
}

void Tell(UniqueFd& ready, const std::string& line) {
  if (!ready) return;
  if (dprintf(ready.get(), "%s\n", line.c_str()) < 0) spdlog::warn("nobody reads --ready-fd");
  ready.Reset();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "namegated: the resolver of Namegate. It answers allow-listed names only and records "
      "every query, every answer and every verdict in one SQLite ledger.",
      "namegated");
  CommandLine line;
  Describe(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("namegated"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  UniqueFd ready(line.ready_fd);
  auto daemon = StartDaemon(line);
  if (!daemon) {
    spdlog::error("{}", daemon.error().message);
    Tell(ready, "error: " + daemon.error().message);
    return 1;
  }
  Tell(ready, "ready");
  (*daemon)->Run();
  return 0;
}
