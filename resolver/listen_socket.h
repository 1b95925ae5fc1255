#pragma once

#include "common/endpoint.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace namegate::resolver {

// A UDP and a TCP socket bound to the same address and port, non-blocking. The TCP one does not
// listen yet.
struct ListenSockets {
  UniqueFd udp;
  UniqueFd tcp;
  Endpoint endpoint;
};

// Binds both. The error says what to do where the port needs a privilege or is taken.
Result<ListenSockets> BindNameserver(const Endpoint& endpoint);

// Binds port 53 of a free address of 127.64.0.0/10: a whole network of loopback addresses that
// nothing else uses, so that every session can have one of its own.
Result<ListenSockets> BindPoolAddress();

}  // namespace namegate::resolver
