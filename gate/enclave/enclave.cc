#include "gate/enclave/enclave.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/system_error.h"
#include "gate/enclave/id_map.h"
#include "gate/enclave/layout.h"
#include "gate/enclave/networks.h"
#include "gate/enclave/seccomp.h"
#include "gate/enclave/socket_owners.h"
#include "gate/enclave/target_namespace.h"

namespace namegate::enclave {
namespace {

// A network socket that the command was handed is a way around the gateway, and a directory one
// around its mounts.
Result<void> CheckStandardStreams() {
  for (int fd = 0; fd <= 2; ++fd) {
    struct stat stream {};
    if (fstat(fd, &stream) == 0 && S_ISDIR(stream.st_mode)) {
      return Error{"descriptor " + std::to_string(fd) +
                   " is a directory, through which the command would see what is hidden from it; "
                   "give it a file or a pipe"};
    }
    int family = AF_UNSPEC;
    socklen_t length = sizeof family;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0) continue;
    if (family == AF_UNIX) continue;
    return Error{"descriptor " + std::to_string(fd) +
                 " is a network socket, which would lead the command past the gate; give it a "
                 "pipe, such as: namegate run … | cat"};
  }
  return {};
}

}  // namespace

Result<Enclave> Enclave::Start(const RelayOptions& options) {
  if (auto safe = CheckStandardStreams(); !safe) return safe.error();
  return StartRelay(options);
}

Result<Enclave> Enclave::StartRelay(const RelayOptions& options) {
  auto launcher = Channel::MakePair();
  if (!launcher) return launcher.error();
  auto sandbox = Channel::MakePair();
  if (!sandbox) return sandbox.error();
  const pid_t relay = fork();
  if (relay < 0) return SystemError("start the relay");
  if (relay == 0) {
    launcher->first.Close();
    sandbox->first.Close();
    _exit(RunRelay(options, std::move(launcher->second), std::move(sandbox->second)));
  }
  Enclave enclave(relay, std::move(launcher->first), std::move(sandbox->first));
  launcher->second.Close();
  sandbox->second.Close();
  auto users = enclave.launcher_.Expect("entered");
  if (!users) return users.error();
  enclave.users_ = std::move(users).value();
  if (auto mapped = MapIds(relay); !mapped) return mapped.error();
  if (auto sent = enclave.launcher_.Send("mapped"); !sent) return sent.error();
  return enclave;
}

Result<Enclave> Enclave::Attach(const RelayOptions& options, int network) {
  auto enclave = StartRelay(options);
  if (!enclave) return enclave;
  // One namespace after the other is entered, from which this process would not come back.
  const auto linked = DoInChild([&] { return enclave->LinkNamespace(network); });
  if (!linked) return linked.error();
  enclave->sandbox_.Close();
  return enclave;
}

// The relay has no say over the namespace that it is put in front of, and the gateway's is below
// ours; so the devices are made here.
Result<void> Enclave::LinkNamespace(int network) const {
  if (auto vacant = EnterVacant(network); !vacant) return vacant;
  auto gateway = sandbox_.Expect("gateway");
  if (!gateway) return gateway.error();
  if (auto entered = EnterNetwork(gateway->get()); !entered) return entered;
  if (auto linked = LinkToSandbox(network); !linked) return linked;
  if (auto entered = EnterNetwork(network); !entered) return entered;
  return MeetRelay();
}

Result<void> Enclave::Detach() const {
  if (auto sent = launcher_.Send("detach"); !sent) return sent;
  auto detached = launcher_.Expect("detached");
  return detached ? Result<void>() : detached.error();
}

bool Enclave::relay_ended() const {
  // It speaks when spoken to only.
  pollfd relay{relay_fd(), POLLIN, 0};
  return poll(&relay, 1, 0) > 0;
}

void Enclave::Settle() {
  // A command that was killed before it had met the relay is waited for there, as long as somebody
  // could still speak in its place.
  sandbox_.Close();
  if (launcher_.Send("settle") && launcher_.Receive()) return;
  // A process that ends closes its descriptors one by one, and the kernel takes its time.
  waitpid(relay_, nullptr, 0);
}

// The mounts belong to the relay's user namespace and the command lives in one below it, where
// copies of them are locked. Were they its own, they would come off when it makes a namespace of
// its own and the first ends: a directory that it holds open would show what lies below them.
Result<void> Enclave::Enter(const Mounts& mounts) const {
  const std::string syn_retries = SynRetries();
  if (setns(users_.get(), CLONE_NEWUSER) != 0) return NamespaceError("join the relay");
  auto maker =
      StartInChild([&](const Channel& command) { return MakeNetwork(command, syn_retries); });
  if (!maker) return maker.error();
  auto done = MakeMounts(mounts);
  if (done) done = EnterNamespaces(*maker);
  maker->channel.Close();
  waitpid(maker->pid, nullptr, 0);
  return done;
}

Result<void> Enclave::MakeMounts(const Mounts& mounts) {
  if (unshare(CLONE_NEWNS) != 0) return NamespaceError("make a namespace for mounts");
  // What the host mounts later is seen here; what is mounted here is not seen by the host.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return NamespaceError("keep the command's mounts from the host");
  }
  return mounts();
}

// In a process of its own, beside the one that makes the mounts: the user namespace of the command,
// and its network.
Result<void> Enclave::MakeNetwork(const Channel& command, const std::string& syn_retries) const {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return NamespaceError("make namespaces for the command");
  }
  if (auto met = MeetRelay(); !met) return met;
  // A host that never answers is the client's own timer to find out: as long as outside.
  SetSynRetries(syn_retries);
  const UniqueFd users(open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
  if (auto sent = command.Send("users", users.get()); !sent) return sent;
  const UniqueFd network(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (auto sent = command.Send("network", network.get()); !sent) return sent;
  // The user namespace goes by this process's id until its ids are mapped.
  auto mapped = command.Expect("mapped");
  return mapped ? Result<void>() : mapped.error();
}

// Into what `maker` has made; and a copy of the mounts, locked.
Result<void> Enclave::EnterNamespaces(const ChildJob& maker) {
  auto users = maker.channel.Expect("users");
  if (!users) return users.error();
  auto network = maker.channel.Expect("network");
  if (!network) return network.error();
  if (auto mapped = MapIds(maker.pid); !mapped) return mapped;
  if (auto sent = maker.channel.Send("mapped"); !sent) return sent;
  if (setns(users->get(), CLONE_NEWUSER) != 0 || setns(network->get(), CLONE_NEWNET) != 0 ||
      unshare(CLONE_NEWNS) != 0) {
    return NamespaceError("enter the namespaces of the command");
  }
  return {};
}

// In the sandbox's network namespace.
Result<void> Enclave::MeetRelay() const {
  const UniqueFd network(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (auto sent = sandbox_.Send("sandbox", network.get()); !sent) return sent;
  const UniqueFd diagnostics = SocketOwners::OpenDiagnostics();
  if (auto sent = sandbox_.Send("sockets", diagnostics.get()); !sent) return sent;
  if (auto linked = sandbox_.Expect("linked"); !linked) return linked.error();
  if (auto configured = ConfigureSandbox(); !configured) return configured;
  auto ready = sandbox_.Expect("ready");
  return ready ? Result<void>() : ready.error();
}

Result<void> Enclave::Seal() const {
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    return SystemError("close inherited descriptors");
  }
  return RestrictSystemCalls();
}

IpAddress InnerNameserver() { return GatewayAddress(); }

}  // namespace namegate::enclave
