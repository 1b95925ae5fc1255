#pragma once

#include <string>
#include <vector>

#include "common/upstream_address.h"

namespace namegate::resolver {

// The resolvers that the host itself asks, by its resolv.conf. A laptop goes from one network to
// the next, and what does not notice asks resolvers that are no longer there.
class HostResolvers {
 public:
  explicit HostResolvers(std::string path) : path_(std::move(path)) {}

  // Reads the file. True if it names other resolvers than when it was last read; one that names
  // none, that is gone or half written, changes nothing.
  bool Read();

  const std::string& path() const { return path_; }
  const std::vector<UpstreamAddress>& upstreams() const { return upstreams_; }

 private:
  std::string path_;
  std::vector<UpstreamAddress> upstreams_;
};

}  // namespace namegate::resolver
