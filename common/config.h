#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/endpoint.h"
#include "common/result.h"
#include "common/retention.h"
#include "common/rule.h"
#include "common/upstream_address.h"

namespace namegate {

// The operator's configuration, namegate.toml. Every key is optional; the command line goes first.
//
//   version = 1
//   state_dir = "/var/lib/namegate"
//   upstream = ["192.0.2.53", "[2001:db8::53]:5353", "tls://192.0.2.53@dns.example.org"]
//                                      # default: those of resolv_conf, as they change
//   resolv_conf = "/etc/resolv.conf"   # where the host's resolvers stand
//   listen = ["192.0.2.1:53"]          # addresses that sessions by client prefix share
//   durability = "process"             # or "power"
//   keep = "90d"                       # remove from the ledger what is older; default: nothing
//   max_size = "10GiB"                 # and what is oldest, while the ledger is larger
//   log_level = "info"
//   lease_floor_s = 60                 # a lease holds for max(TTL, floor) + grace
//   lease_grace_s = 30
//   cache_entries = 10000
//   deny = ["ads.example.com", "**.telemetry.example.net"]  # whatever sessions allow
//   private_ranges = ["203.0.113.0/24"]  # guarded like 10.0.0.0/8: what no public name may lead to
//   mask = ["/run/vendor/agent.sock"]  # sockets, or directories of them, that an enclave hides
//                                      # beside those that it knows of; `run --expose` shows one
//   session_queries_per_s = 20000      # past it a session's queries are dropped; 0: no limit
//   wildcard_names = 256               # names that a session may ask for below one wildcard in
//                                      # an hour
//   wildcard_octets = 16384            # octets in the labels of these, and one for each question
//   owner_patience_s = 30              # after the daemon was killed, `run` may take so long to
//                                      # come back before its session is closed
struct Config {
  std::string state_dir;
  std::vector<UpstreamAddress> upstreams;
  std::string resolv_conf = "/etc/resolv.conf";
  std::vector<Endpoint> listen;
  bool power_durability = false;
  Retention retention;
  std::string log_level = "info";
  std::chrono::seconds lease_floor{60};
  std::chrono::seconds lease_grace{30};
  size_t cache_entries = 10'000;
  std::vector<Rule> deny;
  std::vector<IpPrefix> private_ranges;
  std::vector<std::string> mask;
  uint32_t session_queries_per_s = 20'000;
  size_t wildcard_names = 256;
  size_t wildcard_octets = 16'384;
  std::chrono::seconds owner_patience{30};

  // Reads `path`, or StatePaths::DefaultConfigFile() if that is nothing and such a file exists, and
  // sets state_dir to `state_dir` if given, else to the default if the file names none.
  static Result<Config> Load(const std::optional<std::string>& path,
                             const std::optional<std::string>& state_dir);
};

// The name servers of resolv.conf(5) `path`, port 53. Lines that are not understood are skipped, as
// the C library does.
std::vector<Endpoint> NameserversOf(const std::string& path);

}  // namespace namegate
