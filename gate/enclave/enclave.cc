#include "gate/enclave/enclave.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "gate/enclave/id_map.h"
#include "gate/enclave/layout.h"
#include "gate/enclave/networks.h"
#include "gate/enclave/seccomp.h"
#include "gate/enclave/socket_owners.h"

namespace namegate::enclave {
namespace {

// A network socket that the command was handed is a way around the gateway.
Result<void> CheckStandardStreams() {
  for (int fd = 0; fd <= 2; ++fd) {
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
  auto launcher = Channel::MakePair();
  if (!launcher) return launcher.error();
  auto sandbox = Channel::MakePair();
  if (!sandbox) return sandbox.error();
  const pid_t relay = fork();
  if (relay < 0) return Error{std::string("start the relay: ") + std::strerror(errno)};
  if (relay == 0) {
    launcher->first.Close();
    sandbox->first.Close();
    _exit(RunRelay(options, std::move(launcher->second), std::move(sandbox->second)));
  }
  Enclave enclave({}, std::move(launcher->first), std::move(sandbox->first));
  launcher->second.Close();
  sandbox->second.Close();
  auto users = enclave.launcher_.Expect("entered");
  if (!users) return users.error();
  enclave.users_ = std::move(users).value();
  if (auto mapped = MapIds(relay); !mapped) return mapped.error();
  if (auto sent = enclave.launcher_.Send("mapped"); !sent) return sent.error();
  return enclave;
}

Result<void> Enclave::Enter() const {
  const std::string syn_retries = SynRetries();
  // First into the relay's user namespace, so that it has the say over what is made here.
  if (setns(users_.get(), CLONE_NEWUSER) != 0) return NamespaceError("join the relay");
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0) {
    return NamespaceError("make namespaces for the command");
  }
  const UniqueFd network(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (auto sent = sandbox_.Send(std::to_string(getpid())); !sent) return sent;
  if (auto sent = sandbox_.Send("sandbox", network.get()); !sent) return sent;
  const UniqueFd diagnostics = SocketOwners::OpenDiagnostics();
  if (auto sent = sandbox_.Send("sockets", diagnostics.get()); !sent) return sent;
  if (auto mapped = sandbox_.Expect("mapped"); !mapped) return mapped.error();
  if (auto ready = sandbox_.Expect("ready"); !ready) return ready.error();
  if (auto configured = ConfigureSandbox(); !configured) return configured;
  // A host that never answers is the client's own timer to find out: as long as outside.
  SetSynRetries(syn_retries);
  // What the host mounts later is seen here; what is mounted here is not seen by the host.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return NamespaceError("keep the command's mounts from the host");
  }
  return {};
}

Result<void> Enclave::Seal() const {
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    return Error{std::string("close inherited descriptors: ") + std::strerror(errno)};
  }
  return RestrictSystemCalls();
}

IpAddress InnerNameserver() { return GatewayAddress(); }

std::vector<std::string> SocketsThatLeadOut() {
  std::vector<std::string> paths = {
      "/run/docker.sock",
      "/run/containerd/containerd.sock",
      "/run/podman/podman.sock",
      "/run/crio/crio.sock",
      "/run/buildkit/buildkitd.sock",
      "/run/dbus/system_bus_socket",
      "/run/systemd/private",
      "/run/systemd/resolve/io.systemd.Resolve",
      "/run/systemd/resolve/io.systemd.Resolve.Monitor",
      "/run/nscd/socket",
      "/run/avahi-daemon/socket",
      "/run/snapd.socket",
      "/run/libvirt/libvirt-sock",
      "/run/libvirt/virtqemud-sock",
      "/run/lxd.socket",
      "/run/incus/unix.socket",
      "/run/acpid.socket",
      "/run/cups/cups.sock",
  };
  if (const char* agent = getenv("SSH_AUTH_SOCK"); agent != nullptr) paths.emplace_back(agent);
  std::string runtime = "/run/user/" + std::to_string(geteuid());
  if (const char* own = getenv("XDG_RUNTIME_DIR"); own != nullptr && own[0] == '/') runtime = own;
  for (const char* below :
       {"/bus", "/systemd/private", "/docker.sock", "/podman/podman.sock", "/gnupg/S.gpg-agent",
        "/gnupg/S.gpg-agent.ssh", "/gnupg/S.dirmngr", "/keyring/ssh", "/keyring/control",
        "/gcr/ssh", "/buildkit/buildkitd.sock", "/containerd-rootless/api.sock"}) {
    paths.push_back(runtime + below);
  }
  std::erase_if(paths, [](const std::string& path) { return access(path.c_str(), F_OK) != 0; });
  return paths;
}

}  // namespace namegate::enclave
