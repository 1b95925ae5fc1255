// Whom a command could reach by a Unix socket's path, which no network namespace keeps from it.

#include <unistd.h>

#include <cstdlib>

#include "gate/enclave/enclave.h"

namespace namegate::enclave {
namespace {

using Paths = std::vector<std::string>;

constexpr const char* kOfTheHost[] = {
    "/run/docker.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock.ttrpc",
    "/run/containerd/containerd.sock",
    "/run/containerd/containerd.sock.ttrpc",
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
    "/run/screen",
    "/tmp/.X11-unix",
};

constexpr const char* kOfTheSession[] = {
    "/bus",
    "/systemd/private",
    "/docker.sock",
    "/podman/podman.sock",
    "/gnupg/S.gpg-agent",
    "/gnupg/S.gpg-agent.ssh",
    "/gnupg/S.dirmngr",
    "/keyring/ssh",
    "/keyring/control",
    "/gcr/ssh",
    "/buildkit/buildkitd.sock",
    "/containerd-rootless/api.sock",
};

constexpr const char* kOfGnupg[] = {"/S.gpg-agent", "/S.gpg-agent.ssh", "/S.dirmngr"};

std::string Variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

template <size_t kCount>
void AddBelow(const std::string& directory, const char* const (&names)[kCount], Paths& paths) {
  if (!directory.starts_with('/')) return;
  for (const char* name : names) paths.push_back(directory + name);
}

// The paths of a list of bus addresses, "unix:path=/run/user/1000/bus,guid=…;unix:abstract=…"
// (D-Bus specification, "Server Addresses").
void AddBuses(const std::string& addresses, Paths& paths) {
  constexpr std::string_view kKey = "path=";
  for (size_t at = addresses.find(kKey); at != std::string::npos; at = addresses.find(kKey, at)) {
    at += kKey.size();
    paths.push_back(addresses.substr(at, addresses.find_first_of(",;", at) - at));
  }
}

// The path of "unix:///run/docker.sock", as container tools have it.
void AddUrl(const std::string& url, Paths& paths) {
  constexpr std::string_view kScheme = "unix://";
  if (url.starts_with(kScheme)) paths.push_back(url.substr(kScheme.size()));
}

}  // namespace

Paths SocketsThatLeadOut() {
  const std::string uid = std::to_string(geteuid());
  const std::string runtime = Variable("XDG_RUNTIME_DIR");
  Paths paths(std::begin(kOfTheHost), std::end(kOfTheHost));
  AddBelow(runtime.starts_with('/') ? runtime : "/run/user/" + uid, kOfTheSession, paths);
  AddBelow(Variable("HOME") + "/.gnupg", kOfGnupg, paths);
  AddBelow(Variable("GNUPGHOME"), kOfGnupg, paths);
  AddBuses(Variable("DBUS_SESSION_BUS_ADDRESS"), paths);
  for (const char* name : {"DOCKER_HOST", "CONTAINER_HOST", "BUILDKIT_HOST"}) {
    AddUrl(Variable(name), paths);
  }
  paths.push_back(Variable("SSH_AUTH_SOCK"));
  // "/tmp/tmux-1000/default,2345,0"
  const std::string tmux = Variable("TMUX");
  paths.push_back(tmux.substr(0, tmux.find(',')));
  const std::string tmux_directory = Variable("TMUX_TMPDIR");
  paths.push_back((tmux_directory.empty() ? "/tmp" : tmux_directory) + "/tmux-" + uid);
  paths.push_back(Variable("SCREENDIR"));
  std::erase_if(paths, [](const std::string& path) { return access(path.c_str(), F_OK) != 0; });
  return paths;
}

}  // namespace namegate::enclave
