#include "gate/command/daemon.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/config.h"
#include "common/descriptor_path.h"
#include "common/escape.h"
#include "common/state_paths.h"
#include "common/system_error.h"
#include "common/upstream_address.h"
#include "gate/command/daemon_start.h"

namespace namegate::command {
namespace {

using Clock = std::chrono::steady_clock;

// A daemon that leaves has its last rows to write; longer than this is trouble.
constexpr std::chrono::seconds kPatience{15};
constexpr std::chrono::milliseconds kRetryPause{20};

std::vector<std::string> UpstreamsOf(const nlohmann::json& status) {
  std::vector<std::string> upstreams;
  const auto found = status.find("upstreams");
  if (found == status.end()) return upstreams;
  for (const auto& upstream : *found) {
    if (upstream.is_object() && upstream.contains("address") && upstream["address"].is_string()) {
      upstreams.push_back(upstream["address"].get<std::string>());
    }
  }
  return upstreams;
}

// A daemon on its way out may accept a connection and serve nothing, so only one that answers
// counts. As long as this connection stands, the daemon stays.
Result<LivingDaemon> ConnectToLivingDaemon(const StatePaths& paths) {
  auto client = ControlClient::Connect(paths.control_socket());
  if (!client) return client.error();
  const auto response = client->Call({{"command", "status"}});
  if (!response) return response.error();
  LivingDaemon daemon{std::move(client).value(), {}, false};
  const nlohmann::json status = response->value("status", nlohmann::json::object());
  if (status.is_object()) {
    daemon.upstreams = UpstreamsOf(status);
    daemon.exits_when_idle = status.value("exit_when_idle", false);
  }
  return daemon;
}

// While this is held no other caller starts a daemon. It is a lock on the directory itself, so that
// nothing is left behind and nothing else is locked by it.
Result<UniqueFd> LockStarting(const StatePaths& paths) {
  UniqueFd directory(open(paths.directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || flock(directory.get(), LOCK_EX) != 0) {
    return SystemError("lock state directory '" + paths.directory() + "'");
  }
  return directory;
}

// True while a daemon, be it one that has just closed its socket, holds the state directory.
bool DaemonHoldsLock(const StatePaths& paths) {
  const UniqueFd lock(open(paths.lock().c_str(), O_RDONLY | O_CLOEXEC));
  return lock && flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

// The daemon serves its own user and root; to anybody else it would only say no.
Result<void> CheckOwner(const StatePaths& paths) {
  struct stat socket {};
  if (geteuid() == 0 || stat(paths.control_socket().c_str(), &socket) != 0) return {};
  if (socket.st_uid == geteuid()) return {};
  return Error{"the daemon in '" + paths.directory() + "' belongs to user " +
               std::to_string(socket.st_uid) + "; choose a directory of your own: --state-dir DIR"};
}

Result<LivingDaemon> StartAndConnect(const StatePaths& paths, const DaemonArguments& arguments) {
  if (auto started = StartDaemon(paths, arguments); !started) return started.error();
  return ConnectToLivingDaemon(paths);
}

Result<LivingDaemon> FindOrStartAny(const StatePaths& paths, const DaemonArguments& arguments) {
  if (auto owner = CheckOwner(paths); !owner) return owner.error();
  if (auto running = ConnectToLivingDaemon(paths)) return running;
  if (auto created = paths.Create(); !created) return created.error();
  const auto starting = LockStarting(paths);
  if (!starting) return starting.error();
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    auto daemon = ConnectToLivingDaemon(paths);
    if (!daemon && !DaemonHoldsLock(paths)) daemon = StartAndConnect(paths, arguments);
    // One that holds the lock and does not answer is just leaving, or was started by hand and is
    // not ready yet.
    if (daemon || !DaemonHoldsLock(paths) || Clock::now() > deadline) return daemon;
    std::this_thread::sleep_for(kRetryPause);
  }
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + Printable(word);
  return text;
}

Result<void> CheckUpstreams(std::vector<std::string> asked,
                            const std::vector<std::string>& wanted) {
  if (wanted.empty()) return {};
  std::vector<std::string> sorted = wanted;
  std::sort(asked.begin(), asked.end());
  std::sort(sorted.begin(), sorted.end());
  if (asked == sorted) return {};
  return Error{"the daemon that runs already asks other upstreams (" + Join(asked) +
               "): leave out --upstream, or choose another --state-dir"};
}

Result<LivingDaemon> FindOrStart(const StatePaths& paths, const DaemonArguments& arguments) {
  auto daemon = FindOrStartAny(paths, arguments);
  if (!daemon) return daemon;
  if (auto same = CheckUpstreams(daemon->upstreams, arguments.upstreams); !same)
    return same.error();
  return daemon;
}

Result<std::vector<std::string>> CanonicalUpstreams(const std::vector<std::string>& texts) {
  std::vector<std::string> upstreams;
  for (const std::string& text : texts) {
    const auto upstream = UpstreamAddress::FromText(text);
    if (!upstream) {
      return Error{"--upstream: '" + Printable(text) + "' is no resolver's address; " +
                   kUpstreamAddressForms};
    }
    upstreams.push_back(upstream->ToText());
  }
  return upstreams;
}

// The text of the configuration file, or of one that says nothing if there is none.
Result<std::string> ConfigText(const std::optional<std::string>& path) {
  const std::string name = path.value_or(StatePaths::DefaultConfigFile());
  std::error_code error;
  if (!path && !std::filesystem::exists(name, error)) return std::string("version = 1\n");
  std::ifstream file(name, std::ios::binary);
  std::ostringstream text;
  if (!(text << file.rdbuf())) return SystemError("read '" + name + "'");
  return text.str();
}

Result<UniqueFd> KeepConfig(const std::optional<std::string>& path) {
  const auto text = ConfigText(path);
  if (!text) return text.error();
  UniqueFd kept(memfd_create("namegate.toml", MFD_CLOEXEC));
  if (!kept ||
      write(kept.get(), text->data(), text->size()) != static_cast<ssize_t>(text->size())) {
    return SystemError("keep the configuration in memory");
  }
  return kept;
}

}  // namespace

Result<ControlClient> ConnectToDaemon(const CommonOptions& common) {
  const auto config = Config::Load(common.config, common.state_dir);
  if (!config) return config.error();
  return ControlClient::Connect(StatePaths(config->state_dir).control_socket());
}

Result<nlohmann::json> CallDaemon(ControlClient& daemon, const nlohmann::json& request) {
  if (request.dump().size() >= kMaxControlLine) {
    return Error{"too many rules for one session: the request would be longer than " +
                 std::to_string(kMaxControlLine) + " bytes; use wildcards or fewer rules"};
  }
  return daemon.Call(request);
}

Result<LivingDaemon> FindOrStartDaemon(const CommonOptions& common,
                                       const std::vector<std::string>& upstreams) {
  const auto config = Config::Load(common.config, common.state_dir);
  if (!config) return config.error();
  auto canonical = CanonicalUpstreams(upstreams);
  if (!canonical) return canonical.error();
  return FindOrStart(StatePaths(config->state_dir),
                     {config->state_dir, common.config, -1, *canonical});
}

Result<DaemonPlace> DaemonPlace::Open(const CommonOptions& common) {
  const auto config = Config::Load(common.config, common.state_dir);
  if (!config) return config.error();
  UniqueFd directory(open(config->state_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) {
    return SystemError("open state directory '" + config->state_dir + "'");
  }
  auto kept = KeepConfig(common.config);
  if (!kept) return kept.error();
  return DaemonPlace(config->state_dir, std::move(directory), std::move(kept).value());
}

bool DaemonPlace::HasKeptName() const {
  struct stat held {};
  struct stat named {};
  return fstat(directory_.get(), &held) == 0 && stat(state_dir_.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

StatePaths DaemonPlace::paths() const { return StatePaths(PathThrough(directory_)); }

Result<ControlClient> DaemonPlace::Connect() const {
  return ControlClient::Connect(paths().control_socket());
}

Result<LivingDaemon> DaemonPlace::FindOrStart(const std::vector<std::string>& upstreams) const {
  if (!HasKeptName()) return Error{"the state directory is not '" + state_dir_ + "' any more"};
  return namegate::command::FindOrStart(paths(), {state_dir_, {}, config_.get(), upstreams});
}

}  // namespace namegate::command
