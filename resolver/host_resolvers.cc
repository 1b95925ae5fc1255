#include "resolver/host_resolvers.h"

#include <utility>

#include "common/config.h"

namespace namegate::resolver {

bool HostResolvers::Read() {
  std::vector<UpstreamAddress> read;
  for (const Endpoint& endpoint : NameserversOf(path_)) {
    read.push_back({.endpoint = endpoint, .tls = false, .tls_name = ""});
  }
  if (read.empty() || read == upstreams_) return false;
  upstreams_ = std::move(read);
  return true;
}

}  // namespace namegate::resolver
