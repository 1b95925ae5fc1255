#pragma once

#include <cstdint>
#include <memory>

#include "common/upstream_address.h"
#include "resolver/tls_channel.h"

namespace namegate::resolver {

// One upstream resolver and how it has fared.
struct UpstreamServer {
  UpstreamAddress address;
  std::unique_ptr<TlsChannel> tls;  // null for plain DNS
  bool ok = true;                   // its last exchange gave an answer
  uint64_t sent = 0;
  uint64_t failed = 0;
  uint64_t wrong_replies =
      0;  // with another ID, question or source than asked: guesses, or a broken peer
};

}  // namespace namegate::resolver
