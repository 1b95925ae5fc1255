#include "gate/enclave/id_map.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "common/unique_fd.h"

namespace namegate::enclave {
namespace {

// /proc/self/uid_map has lines "FIRST OUTSIDE COUNT" (user_namespaces(7)); here outside is what is
// inside for us.
std::string WholeMap(const char* own_map) {
  std::ifstream file(own_map);
  std::string map;
  uint64_t first = 0;
  uint64_t outside = 0;
  uint64_t count = 0;
  while (file >> first >> outside >> count) {
    const std::string id = std::to_string(first);
    map.append(id).append(" ").append(id).append(" ").append(std::to_string(count)).append("\n");
  }
  return map;
}

std::string OwnMap(unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1\n"; }

// In one write, as the kernel wants it.
bool Write(pid_t process, const char* file, const std::string& text) {
  const std::string path = "/proc/" + std::to_string(process) + "/" + file;
  const UniqueFd target(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return target &&
         write(target.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

Result<void> MapIds(pid_t process) {
  const bool whole = Write(process, "gid_map", WholeMap("/proc/self/gid_map")) &&
                     Write(process, "uid_map", WholeMap("/proc/self/uid_map"));
  if (whole) return {};
  // An ordinary user may map his own ids, and only once setgroups is given up. In a namespace whose
  // parent has done so it is given up already.
  Write(process, "setgroups", "deny");
  if (Write(process, "gid_map", OwnMap(getegid())) &&
      Write(process, "uid_map", OwnMap(geteuid()))) {
    return {};
  }
  return NamespaceError("map the user's ids into a user namespace");
}

Error NamespaceError(const std::string& action) {
  const int trouble = errno;
  const std::string what = action + ": " + std::strerror(trouble);
  if (trouble == ENOSPC) {
    return Error{what +
                 "; raise the sysctls user.max_user_namespaces, user.max_net_namespaces and "
                 "user.max_mnt_namespaces"};
  }
  if (trouble == ENOSYS || trouble == EINVAL) {
    return Error{what + "; the kernel needs CONFIG_USER_NS and CONFIG_NET_NS"};
  }
  if (trouble != EPERM && trouble != EACCES) return Error{what};
  return Error{
      what +
      "; this host does not permit it. Allow user namespaces (sysctl "
      "kernel.unprivileged_userns_clone=1; on Ubuntu an AppArmor profile for namegate, or "
      "kernel.apparmor_restrict_unprivileged_userns=0; in a container, a seccomp profile that "
      "permits unshare; in a chroot the kernel makes none), or use the cooperative gate: --gate "
      "preload"};
}

}  // namespace namegate::enclave
