#include "gate/enclave/target_namespace.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "common/escape.h"
#include "common/system_error.h"
#include "gate/enclave/child_job.h"
#include "gate/enclave/id_map.h"
#include "gate/enclave/layout.h"
#include "gate/enclave/netlink.h"

namespace namegate::enclave {
namespace {

// Tunnels that the kernel makes in every network namespace once their modules are loaded
// (net.core.fb_tunnels_only_for_init_net). They cannot be moved, and what they carry takes the
// routes of their own namespace.
constexpr auto kFallbackTunnels = std::to_array<std::string_view>(
    {"tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"});

bool IsHarmless(const Netlink::Link& link) {
  if (link.name == "lo") return true;
  return !link.through_another && std::ranges::count(kFallbackTunnels, link.name) > 0;
}

bool IsSame(int network, const char* path) {
  struct stat ours {};
  struct stat theirs {};
  return fstat(network, &theirs) == 0 && stat(path, &ours) == 0 && ours.st_ino == theirs.st_ino &&
         ours.st_dev == theirs.st_dev;
}

bool HasEnded(const UniqueFd& process) {
  pollfd ended{process.get(), POLLIN, 0};
  return poll(&ended, 1, 0) != 0;
}

}  // namespace

Result<TargetNamespace> TargetNamespace::Open(pid_t pid) {
  const std::string process = "process " + std::to_string(pid);
  TargetNamespace target;
  // glibc 2.36 declares its pidfd_open() for C alone.
  target.process.Reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!target.process) return SystemError("there is no " + process);
  target.network.Reset(
      open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  const int trouble = errno;
  // If it lives still, the number was not given to another one meanwhile.
  if (HasEnded(target.process)) return Error{process + " has ended"};
  if (!target.network) {
    return SystemError("open the network namespace of " + process, trouble);
  }
  for (const char* ours : {"/proc/self/ns/net", "/proc/1/ns/net"}) {
    if (!IsSame(target.network.get(), ours)) continue;
    return Error{process +
                 " is in the network of this host itself, which cannot be taken away from it; "
                 "start it in one of its own without devices: unshare --net, or docker run "
                 "--network none"};
  }
  const int network = target.network.get();
  if (auto vacant = DoInChild([=] { return EnterVacant(network); }); !vacant) {
    return Error{"attach to " + process + ": " + vacant.error().message};
  }
  return target;
}

Result<void> EnterNetwork(int network) {
  if (setns(network, CLONE_NEWNET) != 0) return NamespaceError("enter a network namespace");
  return {};
}

Result<void> EnterVacant(int network) {
  if (auto entered = EnterNetwork(network); !entered) return entered;
  auto netlink = Netlink::Open();
  if (!netlink) return netlink.error();
  const auto links = netlink->Links();
  if (!links) return links.error();
  const auto found = std::ranges::find_if_not(*links, IsHarmless);
  if (found != links->end()) {
    const std::string device =
        "its network has the device '" + Printable(found->name) + "' already";
    if (found->name == kSandboxLink) {
      return Error{device +
                   "; is another session attached to it, or is it a container's with a "
                   "network? It must have none but lo: docker run --network none"};
    }
    return Error{device + ", which could lead past the gateway; it must have none but lo"};
  }
  const auto route = netlink->HasDefaultRoute();
  if (!route) return route.error();
  if (*route) return Error{"its network has a default route already, which leads elsewhere"};
  return {};
}

}  // namespace namegate::enclave
