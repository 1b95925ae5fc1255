#include "common/config.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/state_paths.h"
#include "common/toml_reader.h"

namespace namegate {
namespace {

constexpr uint16_t kDnsPort = 53;

Result<std::vector<Endpoint>> Endpoints(const TomlFile& file, const toml::node& node,
                                        std::string_view key) {
  const std::string fix = std::string(key) + " must be a list of addresses: " + std::string(key) +
                          " = [\"192.0.2.53\", \"[2001:db8::53]:5353\"]";
  if (!node.is_array()) return file.At(node, fix);
  std::vector<Endpoint> endpoints;
  for (const toml::node& entry : *node.as_array()) {
    const auto text = entry.value_exact<std::string>();
    const auto endpoint = text ? Endpoint::FromText(*text, kDnsPort) : std::nullopt;
    if (!endpoint) return file.At(entry, fix);
    endpoints.push_back(*endpoint);
  }
  return endpoints;
}

Result<std::vector<UpstreamAddress>> Upstreams(const TomlFile& file, const toml::node& node) {
  const std::string fix =
      std::string("upstream must be a list of resolvers in quotes; ") + kUpstreamAddressForms;
  if (!node.is_array()) return file.At(node, fix);
  std::vector<UpstreamAddress> upstreams;
  for (const toml::node& entry : *node.as_array()) {
    const auto text = entry.value_exact<std::string>();
    const auto upstream = text ? UpstreamAddress::FromText(*text) : std::nullopt;
    if (!upstream) return file.At(entry, fix);
    upstreams.push_back(*upstream);
  }
  return upstreams;
}

Result<std::string> OneOf(const TomlFile& file, const toml::node& node, const std::string& key,
                          std::initializer_list<std::string_view> choices) {
  auto value = file.String(node, key);
  if (!value) return value;
  std::string list;
  for (const std::string_view choice : choices) {
    if (*value == choice) return value;
    list += (list.empty() ? "\"" : ", \"") + std::string(choice) + "\"";
  }
  return file.At(node, key + " must be one of " + list);
}

Result<void> ReadServers(const TomlFile& file, Config& config) {
  if (const toml::node* node = file.root().get("upstream")) {
    auto value = Upstreams(file, *node);
    if (!value) return value.error();
    config.upstreams = std::move(value).value();
  }
  if (const toml::node* node = file.root().get("listen")) {
    auto value = Endpoints(file, *node, "listen");
    if (!value) return value.error();
    config.listen = std::move(value).value();
  }
  return {};
}

Result<void> ReadWords(const TomlFile& file, Config& config) {
  if (const toml::node* node = file.root().get("state_dir")) {
    auto value = file.String(*node, "state_dir");
    if (!value) return value.error();
    if (!value->starts_with('/')) return file.At(*node, "state_dir must be an absolute path");
    config.state_dir = std::move(value).value();
  }
  if (const toml::node* node = file.root().get("durability")) {
    auto value = OneOf(file, *node, "durability", {"process", "power"});
    if (!value) return value.error();
    config.power_durability = *value == "power";
  }
  if (const toml::node* node = file.root().get("log_level")) {
    auto value = OneOf(file, *node, "log_level", {"debug", "info", "warning", "error"});
    if (!value) return value.error();
    config.log_level = std::move(value).value();
  }
  return {};
}

Result<void> ReadNumbers(const TomlFile& file, Config& config) {
  constexpr int64_t kDay = 86'400;
  int64_t floor_s = config.lease_floor.count();
  int64_t grace_s = config.lease_grace.count();
  auto entries = static_cast<int64_t>(config.cache_entries);
  struct Number {
    const char* key;
    int64_t* value;
    int64_t least;
    int64_t most;
  };
  for (const Number& number :
       {Number{"lease_floor_s", &floor_s, 0, kDay}, Number{"lease_grace_s", &grace_s, 0, kDay},
        Number{"cache_entries", &entries, 0, 1'000'000}}) {
    const toml::node* node = file.root().get(number.key);
    if (node == nullptr) continue;
    auto value = file.Integer(*node, number.key, number.least, number.most);
    if (!value) return value.error();
    *number.value = *value;
  }
  config.lease_floor = std::chrono::seconds(floor_s);
  config.lease_grace = std::chrono::seconds(grace_s);
  config.cache_entries = static_cast<size_t>(entries);
  return {};
}

Result<void> ReadFile(const std::string& path, Config& config) {
  auto file = TomlFile::Read(path);
  if (!file) return file.error();
  auto known = file->OnlyKeys(
      file->root(), {"version", "state_dir", "upstream", "listen", "durability", "log_level",
                     "lease_floor_s", "lease_grace_s", "cache_entries"});
  if (!known) return known;
  const toml::node* version = file->root().get("version");
  if (version == nullptr) {
    return file->At(file->root(), "version is missing; write version = 1 first");
  }
  if (auto one = file->Integer(*version, "version", 1, 1); !one) return one.error();
  for (const auto read : {&ReadServers, &ReadWords, &ReadNumbers}) {
    if (auto done = read(*file, config); !done) return done;
  }
  return {};
}

}  // namespace

Result<Config> Config::Load(const std::optional<std::string>& path,
                            const std::optional<std::string>& state_dir) {
  Config config;
  const std::string file = path.value_or(StatePaths::DefaultConfigFile());
  std::error_code error;  // what cannot even be looked at (another user's $HOME) is not there
  if (path || std::filesystem::exists(file, error)) {
    if (auto read = ReadFile(file, config); !read) return read.error();
  }
  if (state_dir) config.state_dir = *state_dir;
  if (config.state_dir.empty()) config.state_dir = StatePaths::DefaultDirectory();
  config.state_dir = std::filesystem::absolute(config.state_dir, error).lexically_normal().string();
  if (error) return Error{"find state directory: " + error.message()};
  while (config.state_dir.size() > 1 && config.state_dir.ends_with('/'))
    config.state_dir.pop_back();
  return config;
}

std::vector<Endpoint> NameserversOf(const std::string& path) {
  std::vector<Endpoint> servers;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string keyword;
    std::string address;
    if (!(words >> keyword >> address) || keyword != "nameserver") continue;
    if (const auto server = Endpoint::FromText(address, kDnsPort)) servers.push_back(*server);
  }
  return servers;
}

}  // namespace namegate
