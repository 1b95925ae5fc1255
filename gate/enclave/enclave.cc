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
#include "gate/enclave/child_job.h"
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

void Enclave::Settle() const {
  if (launcher_.Send("settle") && launcher_.Receive()) return;
  // A process that ends closes its descriptors one by one, and the kernel takes its time.
  waitpid(relay_, nullptr, 0);
}

Result<void> Enclave::Enter(const Mounts& mounts) const {
  const std::string syn_retries = SynRetries();
  // First into the relay's user namespace, so that it has the say over what is made here.
  if (setns(users_.get(), CLONE_NEWUSER) != 0) return NamespaceError("join the relay");
  if (auto made = MakeNamespaces(mounts); !made) return made;
  if (auto met = MeetRelay(); !met) return met;
  // A host that never answers is the client's own timer to find out: as long as outside.
  SetSynRetries(syn_retries);
  return {};
}

// The mounts of a user namespace are locked in the ones below it, and the command runs in such a
// one. Were it in the first, the mounts would come off when it makes a namespace of its own and the
// first ends: a directory that it holds open would show what lies below them.
Result<void> Enclave::MakeNamespaces(const Mounts& mounts) const {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return NamespaceError("make namespaces for the command's mounts");
  }
  if (auto sent = sandbox_.Send(std::to_string(getpid())); !sent) return sent;
  if (auto mapped = sandbox_.Expect("mapped"); !mapped) return mapped.error();
  // What the host mounts later is seen here; what is mounted here is not seen by the host.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return NamespaceError("keep the command's mounts from the host");
  }
  if (auto done = mounts(); !done) return done;
  return MakeOwnNamespaces();
}

// Ids are mapped by a process of the namespace above, so one is left there for the moment.
Result<void> Enclave::MakeOwnNamespaces() const {
  auto pair = Channel::MakePair();
  if (!pair) return pair.error();
  const pid_t self = getpid();
  const pid_t helper = fork();
  if (helper < 0) return SystemError("start a process");
  if (helper == 0) {
    pair->first.Close();
    Result<void> mapped = Error{""};
    if (pair->second.Expect("made")) mapped = MapIds(self);
    _exit(pair->second.Send(mapped ? "mapped" : mapped.error().message) ? 0 : 1);
  }
  pair->second.Close();
  Result<void> done;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0) {
    done = NamespaceError("make namespaces for the command");
  }
  if (done) done = pair->first.Send("made");
  if (done) {
    if (auto mapped = pair->first.Expect("mapped"); !mapped) done = mapped.error();
  }
  pair->first.Close();
  waitpid(helper, nullptr, 0);
  return done;
}

// In the sandbox's network namespace.
Result<void> Enclave::MeetRelay() const {
  const UniqueFd network(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (auto sent = sandbox_.Send("sandbox", network.get()); !sent) return sent;
  const UniqueFd diagnostics = SocketOwners::OpenDiagnostics();
  if (auto sent = sandbox_.Send("sockets", diagnostics.get()); !sent) return sent;
  if (auto ready = sandbox_.Expect("ready"); !ready) return ready.error();
  return ConfigureSandbox();
}

Result<void> Enclave::Seal() const {
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    return SystemError("close inherited descriptors");
  }
  return RestrictSystemCalls();
}

IpAddress InnerNameserver() { return GatewayAddress(); }

}  // namespace namegate::enclave
