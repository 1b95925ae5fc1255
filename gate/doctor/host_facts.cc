#include "gate/doctor/host_facts.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>

#include "common/unique_fd.h"
#include "gate/doctor/socket_address.h"
#include "gate/enclave/networks.h"
#include "gate/enclave/socket_owners.h"

namespace namegate::doctor {
namespace {

constexpr char kUserNamespaces[] =
    "sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0; on Ubuntu an "
    "AppArmor profile for namegate or kernel.apparmor_restrict_unprivileged_userns=0; in a "
    "container a seccomp profile that permits unshare";

std::string Sysctl(const std::string& name) {
  std::ifstream file("/proc/sys/" + name);
  std::string value;
  std::getline(file, value);
  return value;
}

bool InChild(const std::function<bool()>& does) {
  const pid_t child = fork();
  if (child == 0) _exit(does() ? 0 : 1);
  int status = 1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool UserNamespaces() {
  return InChild([] { return unshare(CLONE_NEWUSER) == 0; });
}

bool EnterNetwork() { return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0; }

bool VirtualDevices() {
  return InChild([] {
    if (!EnterNetwork()) return false;
    const UniqueFd own(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    return enclave::LinkToSandbox(own.get()).ok();
  });
}

bool PacketSockets() {
  return InChild([] { return EnterNetwork() && socket(AF_PACKET, SOCK_DGRAM, 0) >= 0; });
}

bool OverlayOfEtc() {
  return InChild([] {
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0 &&
           mount("namegate", "/etc", "overlay", MS_RDONLY, "lowerdir=/etc:/tmp") == 0;
  });
}

bool CanBindDnsPort() {
  const SocketAddress at({IpAddress::V4(127, 127, 53, 53), 53, {}, -1, 0});
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket && (bind(socket.get(), at.get(), at.length()) == 0 || errno == EADDRINUSE);
}

bool HasSocket(int family, int type) {
  return UniqueFd(socket(family, type | SOCK_CLOEXEC, 0)).get() >= 0;
}

bool HasIoUring() {
  io_uring_params parameters{};
  return UniqueFd(static_cast<int>(syscall(SYS_io_uring_setup, 1, &parameters))).get() >= 0;
}

bool HasCgroups() {
  struct statfs status {};
  return statfs("/sys/fs/cgroup", &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

// Root's command may want to change /etc, so nothing is put over it.
Fact InnerGateFact() {
  constexpr char kMeans[] = "denials are explained inside, whatever the environment";
  if (geteuid() == 0) {
    return {"/etc/ld.so.preload", access("/etc/ld.so.preload", F_OK) == 0, kMeans, ""};
  }
  return {"an overlay over /etc", OverlayOfEtc(), kMeans,
          "Linux 5.11 or later, with CONFIG_OVERLAY_FS"};
}

Fact AppArmorFact() {
  const std::string value = Sysctl("kernel/apparmor_restrict_unprivileged_userns");
  return {"AppArmor's restriction of these", value == "1",
          "then namegate needs a profile for the enclave", ""};
}

Fact Ipv6Fact() {
  const bool there =
      HasSocket(AF_INET6, SOCK_DGRAM) && Sysctl("net/ipv6/conf/all/disable_ipv6") != "1";
  return {"IPv6", there, "the enclave carries it, and needs it in the kernel",
          "boot without ipv6.disable=1; the host need not use it"};
}

}  // namespace

std::vector<Fact> HostFacts() {
  const bool has_seccomp =
      Sysctl("kernel/seccomp/actions_avail").find("errno") != std::string::npos;
  return {
      {"user namespaces", UserNamespaces(), "the enclave is made of them", kUserNamespaces},
      AppArmorFact(),
      {"virtual Ethernet devices", VirtualDevices(), "the enclave's way out",
       "the kernel module veth (modprobe veth)"},
      {"packet sockets", PacketSockets(), "how the enclave sees a connection being made",
       "the kernel's CONFIG_PACKET (modprobe af_packet)"},
      {"seccomp filters", has_seccomp, "for what a network namespace does not hold",
       "the kernel's CONFIG_SECCOMP_FILTER"},
      InnerGateFact(),
      {"sock_diag", enclave::SocketOwners::OpenDiagnostics().get() >= 0,
       "the ledger names the process of a connection", "the kernel module inet_diag"},
      {"port 53 for this user", CanBindDnsPort(), "for --gate preload alone",
       "root, or CAP_NET_BIND_SERVICE for namegated, or sysctl "
       "net.ipv4.ip_unprivileged_port_start=53"},
      Ipv6Fact(),
      {"io_uring for this user", HasIoUring(), "goes past libraries; refused in the enclave", ""},
      {"AF_VSOCK", HasSocket(AF_VSOCK, SOCK_STREAM),
       "knows no network namespaces; refused in the enclave", ""},
      {"cgroup v2", HasCgroups(), "not used: memory and processes are others' matter", ""},
  };
}

}  // namespace namegate::doctor
