#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/result.h"
#include "gate/enclave/channel.h"
#include "gate/enclave/relay.h"

namespace namegate::enclave {

// A wall around one command: it and all that it starts have a network that leads nowhere but
// through the relay. Made by the launcher, entered by the child that becomes the command. When the
// object goes, or the launcher dies, so does the command's network.
class Enclave {
 public:
  // Starts the relay. The error says what the host lacks, and the remedy. The calling process must
  // have one thread.
  static Result<Enclave> Start(const RelayOptions& options);

  Enclave(Enclave&&) = default;
  Enclave& operator=(Enclave&&) = delete;
  // Ends the relay and does not wait for it: the kernel takes its time to close packet sockets.
  ~Enclave() = default;

  // In the child: namespaces for users, mounts and the network, with the network set up. Mounts may
  // be made then, which the host does not see. The process is of no use if it fails.
  Result<void> Enter() const;
  // In the child, as the last step before it becomes the command: no descriptor but 0 to 2 stays
  // open when it does, and a filter over its system calls.
  Result<void> Seal() const;

 private:
  Enclave(UniqueFd users, Channel launcher, Channel sandbox)
      : users_(std::move(users)), launcher_(std::move(launcher)), sandbox_(std::move(sandbox)) {}

  UniqueFd users_;  // the relay's user namespace
  Channel launcher_;
  Channel sandbox_;
};

// The name server that a program inside finds under its own resolv.conf: the gateway, as any other
// address would do.
IpAddress InnerNameserver();

// Unix sockets on this host behind which something answers that would reach the network, or do
// other things, on the command's behalf: container engines, the message bus, service managers,
// name service daemons, key agents. Those that exist.
std::vector<std::string> SocketsThatLeadOut();

}  // namespace namegate::enclave
