#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "common/result.h"
#include "gate/enclave/channel.h"
#include "gate/enclave/child_job.h"
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

  // The same around a network namespace that exists, and in which EnterVacant() finds nothing;
  // `network` is a descriptor of it. Nothing but its network is held: no filter over system calls,
  // no mounts. The caller needs the capabilities over it, as root has.
  static Result<Enclave> Attach(const RelayOptions& options, int network);

  Enclave(Enclave&&) = default;
  Enclave& operator=(Enclave&&) = delete;
  // Ends the relay and does not wait for it: the kernel takes its time to close packet sockets.
  ~Enclave() = default;

  // The command has ended: waits, for some seconds at most, until what it sent is on its way and
  // the daemon knows how its connections ended. They are closed then. A relay that has died is
  // waited for to the last: the daemon has seen that too, before it is told that the session ends.
  void Settle();
  // Attached: the namespace is as it was before. Without it, the kernel does that after our end.
  Result<void> Detach() const;
  // Becomes readable when the relay has ended.
  int relay_fd() const { return launcher_.fd(); }
  bool relay_ended() const;

  // In the child: namespaces for users, mounts and the network, with the network set up. `mounts`
  // is called to make the command's mounts, which the host does not see and the command, root or
  // not, cannot undo. The process is of no use if it fails.
  using Mounts = std::function<Result<void>()>;
  Result<void> Enter(const Mounts& mounts) const;
  // In the child, as the last step before it becomes the command: no descriptor but 0 to 2 stays
  // open when it does, and a filter over its system calls.
  Result<void> Seal() const;

 private:
  Enclave(pid_t relay, Channel launcher, Channel sandbox)
      : relay_(relay), launcher_(std::move(launcher)), sandbox_(std::move(sandbox)) {}

  static Result<Enclave> StartRelay(const RelayOptions& options);
  Result<void> LinkNamespace(int network) const;
  static Result<void> MakeMounts(const Mounts& mounts);
  Result<void> MakeNetwork(const Channel& command, const std::string& syn_retries) const;
  static Result<void> EnterNamespaces(const ChildJob& maker);
  Result<void> MeetRelay() const;

  pid_t relay_;
  UniqueFd users_;  // the relay's user namespace
  Channel launcher_;
  Channel sandbox_;
};

// The name server that a program inside finds under its own resolv.conf: the gateway, as any other
// address would do.
IpAddress InnerNameserver();

// Unix sockets on this host behind which something answers that would reach the network, or do
// other things, on the command's behalf: container engines, the message bus, service managers,
// name service daemons, key agents, other terminals. Those that exist; a directory stands for all
// that are in it.
std::vector<std::string> SocketsThatLeadOut();

}  // namespace namegate::enclave
