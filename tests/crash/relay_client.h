#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/relay_protocol.h"
#include "common/unique_fd.h"

namespace namegate::testing {

// An enclave's relay, as the daemon sees one: it speaks common/relay_protocol.h, and carries
// nothing.
class RelayClient {
 public:
  // To the session's relay socket; what is sent while nobody is there goes nowhere.
  explicit RelayClient(const std::string& path);

  // May a TCP connection to this IPv4 address start? `id` comes back in the verdict.
  void Ask(int64_t id, const std::string& address, uint16_t port);
  // Of a connection that was allowed.
  void Tell(RelayOperation operation, int64_t connection);
  // Nothing once the daemon has gone, or has said nothing for some seconds.
  std::optional<RelayReply> Receive();

 private:
  void Send(const RelayMessage& message);

  UniqueFd socket_;
};

}  // namespace namegate::testing
