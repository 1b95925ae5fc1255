#include "common/config.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/escape.h"
#include "common/state_paths.h"
#include "common/toml_reader.h"

namespace namegate {
namespace {

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

// A list of strings, each read by `parse`; `fix` says what the list should look like.
template <typename T, typename Parse>
Result<std::vector<T>> List(const TomlFile& file, const toml::node& node, const std::string& fix,
                            Parse parse) {
  if (!node.is_array()) return file.At(node, fix);
  std::vector<T> values;
  for (const toml::node& entry : *node.as_array()) {
    const auto text = entry.value_exact<std::string>();
    if (!text) return file.At(entry, fix);
    auto value = parse(*text);
    if (!value) return file.At(entry, "'" + Printable(*text) + "': " + fix);
    values.push_back(std::move(*value));
  }
  return values;
}

Result<void> ReadServers(const TomlFile& file, Config& config) {
  if (const toml::node* node = file.root().get("upstream")) {
    auto value = List<UpstreamAddress>(
        file, *node,
        std::string("upstream must be a list of resolvers in quotes; ") + kUpstreamAddressForms,
        [](const std::string& text) { return UpstreamAddress::FromText(text); });
    if (!value) return value.error();
    config.upstreams = std::move(value).value();
  }
  if (const toml::node* node = file.root().get("listen")) {
    auto value = List<Endpoint>(
        file, *node, "listen must be a list of addresses: listen = [\"192.0.2.1:53\"]",
        [](const std::string& text) { return Endpoint::FromText(text, kDnsPort); });
    if (!value) return value.error();
    config.listen = std::move(value).value();
  }
  return {};
}

Result<void> ReadLists(const TomlFile& file, Config& config) {
  if (const toml::node* node = file.root().get("deny")) {
    auto value = List<Rule>(file, *node,
                            "deny must be a list of names: deny = [\"ads.example.com\", "
                            "\"**.telemetry.example.net\"]",
                            [](const std::string& text) { return Rule::FromHost(text); });
    if (!value) return value.error();
    config.deny = std::move(value).value();
  }
  if (const toml::node* node = file.root().get("private_ranges")) {
    auto value = List<IpPrefix>(
        file, *node,
        "private_ranges must be a list of address ranges: private_ranges = [\"203.0.113.0/24\"]",
        [](const std::string& text) { return IpPrefix::FromText(text); });
    if (!value) return value.error();
    config.private_ranges = std::move(value).value();
  }
  if (const toml::node* node = file.root().get("mask")) {
    auto value = List<std::string>(
        file, *node, "mask must be a list of absolute paths: mask = [\"/run/vendor/agent.sock\"]",
        [](const std::string& text) {
          return text.starts_with('/') ? std::optional(text) : std::nullopt;
        });
    if (!value) return value.error();
    config.mask = std::move(value).value();
  }
  return {};
}

Result<void> ReadWords(const TomlFile& file, Config& config) {
  for (const auto& [key, path] :
       {std::pair{"state_dir", &config.state_dir}, std::pair{"resolv_conf", &config.resolv_conf}}) {
    const toml::node* node = file.root().get(key);
    if (node == nullptr) continue;
    auto value = file.String(*node, key);
    if (!value) return value.error();
    if (!value->starts_with('/')) {
      return file.At(*node, std::string(key) + " must be an absolute path");
    }
    *path = std::move(value).value();
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

Result<void> ReadRetention(const TomlFile& file, Config& config) {
  if (const toml::node* node = file.root().get("keep")) {
    auto value = file.String(*node, "keep");
    if (!value) return value.error();
    const auto age = AgeFromText(*value);
    if (!age) return file.At(*node, std::string("keep must be ") + kAgeForms);
    config.retention.keep = *age;
  }
  if (const toml::node* node = file.root().get("max_size")) {
    auto value = file.String(*node, "max_size");
    if (!value) return value.error();
    const auto size = SizeFromText(*value);
    if (!size) return file.At(*node, std::string("max_size must be ") + kSizeForms);
    config.retention.max_bytes = *size;
  }
  return {};
}

Result<void> ReadNumbers(const TomlFile& file, Config& config) {
  constexpr int64_t kDay = 86'400;
  int64_t floor_s = config.lease_floor.count();
  int64_t grace_s = config.lease_grace.count();
  auto entries = static_cast<int64_t>(config.cache_entries);
  int64_t queries_per_s = config.session_queries_per_s;
  auto names = static_cast<int64_t>(config.wildcard_names);
  auto octets = static_cast<int64_t>(config.wildcard_octets);
  int64_t patience_s = config.owner_patience.count();
  struct Number {
    const char* key;
    int64_t* value;
    int64_t least;
    int64_t most;
  };
  for (const Number& number :
       {Number{"lease_floor_s", &floor_s, 0, kDay}, Number{"lease_grace_s", &grace_s, 0, kDay},
        Number{"cache_entries", &entries, 0, 1'000'000},
        Number{"session_queries_per_s", &queries_per_s, 0, 10'000'000},
        Number{"wildcard_names", &names, 1, 1'000'000},
        Number{"wildcard_octets", &octets, 1, 1'000'000'000},
        Number{"owner_patience_s", &patience_s, 0, kDay}}) {
    const toml::node* node = file.root().get(number.key);
    if (node == nullptr) continue;
    auto value = file.Integer(*node, number.key, number.least, number.most);
    if (!value) return value.error();
    *number.value = *value;
  }
  config.lease_floor = std::chrono::seconds(floor_s);
  config.lease_grace = std::chrono::seconds(grace_s);
  config.cache_entries = static_cast<size_t>(entries);
  config.session_queries_per_s = static_cast<uint32_t>(queries_per_s);
  config.wildcard_names = static_cast<size_t>(names);
  config.wildcard_octets = static_cast<size_t>(octets);
  config.owner_patience = std::chrono::seconds(patience_s);
  return {};
}

Result<void> ReadFile(const std::string& path, Config& config) {
  auto file = TomlFile::Read(path);
  if (!file) return file.error();
  auto known = file->OnlyKeys(
      file->root(), {"version", "state_dir", "upstream", "resolv_conf", "listen", "durability",
                     "log_level", "lease_floor_s", "lease_grace_s", "cache_entries", "deny",
                     "private_ranges", "session_queries_per_s", "wildcard_names", "wildcard_octets",
                     "keep", "max_size", "owner_patience_s", "mask"});
  if (!known) return known;
  const toml::node* version = file->root().get("version");
  if (version == nullptr) {
    return file->At(file->root(), "version is missing; write version = 1 first");
  }
  if (auto one = file->Integer(*version, "version", 1, 1); !one) return one.error();
  for (const auto read : {&ReadServers, &ReadLists, &ReadWords, &ReadRetention, &ReadNumbers}) {
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
