#pragma once

#include <string>

#include "common/endpoint.h"
#include "gate/enclave/channel.h"

namespace namegate::enclave {

struct RelayOptions {
  Endpoint nameserver;      // of the session; everything to port 53 is sent there
  std::string gate_socket;  // of the session; asked before every dial
};

// The relay process, from its first step to its last: sets up the gateway, serves, and returns its
// exit status when the launcher's end of `launcher` closes. Everything that leads out of the
// gateway dies with it. The calling process must have one thread, and be of no other use.
//
// With the launcher: sends "entered" (with its user namespace) once ids may be mapped, expects
// "mapped". With the command's child: expects its process id, "sandbox" (with its network
// namespace) and "sockets" (with a socket for SocketOwners), sends "mapped" and then "ready". A
// text other than these is an error, for a person.
int RunRelay(const RelayOptions& options, Channel launcher, Channel sandbox);

}  // namespace namegate::enclave
