#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/endpoint.h"
#include "common/result.h"
#include "common/rule.h"
#include "common/upstream_address.h"

namespace namegate {

// The operator's configuration, namegate.toml. Every key is optional; the command line goes first.
//
//   version = 1
//   state_dir = "/var/lib/namegate"
//   upstream = ["192.0.2.53", "[2001:db8::53]:5353", "tls://192.0.2.53@dns.example.org"]
//                                      # default: the host's resolv.conf
//   listen = ["192.0.2.1:53"]          # addresses that sessions by client prefix share
//   durability = "process"             # or "power"
//   log_level = "info"
//   lease_floor_s = 60                 # a lease holds for max(TTL, floor) + grace
//   lease_grace_s = 30
//   cache_entries = 10000
//   deny = ["ads.example.com", "**.telemetry.example.net"]  # whatever sessions allow
//   private_ranges = ["203.0.113.0/24"]  # guarded like 10.0.0.0/8: what no public name may lead to
//   session_queries_per_s = 20000      # past it a session's queries are dropped; 0: no limit
//   wildcard_names = 256               # names that a session may ask for below one wildcard, an
//   hour wildcard_octets = 16384            # octets in the labels of these
struct Config {
  std::string state_dir;
  std::vector<UpstreamAddress> upstreams;
  std::vector<Endpoint> listen;
  bool power_durability = false;
  std::string log_level = "info";
  std::chrono::seconds lease_floor{60};
  std::chrono::seconds lease_grace{30};
  size_t cache_entries = 10'000;
  std::vector<Rule> deny;
  std::vector<IpPrefix> private_ranges;
  uint32_t session_queries_per_s = 20'000;
  size_t wildcard_names = 256;
  size_t wildcard_octets = 16'384;

  // Reads `path`, or StatePaths::DefaultConfigFile() if that is nothing and such a file exists, and
  // sets state_dir to `state_dir` if given, else to the default if the file names none.
  static Result<Config> Load(const std::optional<std::string>& path,
                             const std::optional<std::string>& state_dir);
};

// The name servers of resolv.conf(5) `path`, port 53. Lines that are not understood are skipped, as
// the C library does.
std::vector<Endpoint> NameserversOf(const std::string& path);

}  // namespace namegate
