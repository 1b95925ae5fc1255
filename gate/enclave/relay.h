#pragma once

#include <string>

#include "common/endpoint.h"
#include "gate/enclave/channel.h"

namespace namegate::enclave {

struct RelayOptions {
  Endpoint nameserver;  // of the session; everything to port 53 is sent there
  // Of the session; asked before every dial. What has its name when the relay starts, and later
  // what has it in that directory, whatever other path leads to the name then.
  std::string relay_socket;
  bool attached = false;  // to a network namespace that was there before
};

// The relay process, from its first step to its last: sets up the gateway, serves, and returns its
// exit status when the launcher's end of `launcher` closes. Everything that leads out of the
// gateway dies with it. The calling process must have one thread, and be of no other use.
//
// With the launcher: sends "entered" (with its user namespace) once ids may be mapped, expects
// "mapped"; at any time later "settle", which it answers with "settled" when everything that the
// command has sent is on its way, and all endings are told. With the process that makes the
// command's network: expects "sandbox" (with its network namespace) and "sockets" (with a socket
// for SocketOwners), sends "linked" when it has its device, and "ready" when it is served.
//
// Attached, we have no say over the other side's namespace: first of all sends "gateway" (with the
// gateway's network namespace), which the other side then links to its own. The launcher may say
// "detach", and is told "detached" once the devices are gone. A text other than these is an error,
// for a person.
int RunRelay(const RelayOptions& options, Channel launcher, Channel sandbox);

}  // namespace namegate::enclave
