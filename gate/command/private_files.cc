#include "gate/command/private_files.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>

#include "common/file_content.h"
#include "common/system_error.h"
#include "common/unique_fd.h"

// Theory of operation. A tmpfs is mounted over the scratch directory, in the new mount namespace
// only; the files are written there and bind-mounted over the host's; then the tmpfs is detached.
// The bind mounts keep it alive until the last process of the namespace ends. So there is nothing
// to clean up, however this process ends, and nothing that others could see or change meanwhile.

namespace namegate::command {
namespace {

constexpr char kResolvConf[] = "/etc/resolv.conf";
constexpr char kNsswitchConf[] = "/etc/nsswitch.conf";
constexpr char kNscdSocket[] = "/run/nscd/socket";

// Without a list the C library searches the domain in the host's own name, if there is one there.
// Only then is there a list, of a domain that cannot be and is never asked for upstream (RFC 6761
// §6.4), for it costs a question more for each name that is denied. "search ." would cost that too,
// and keep c-ares and musl from finding any name without a dot.
bool HostNameHoldsDomain() {
  utsname host{};
  return uname(&host) == 0 && std::strchr(host.nodename, '.') != nullptr;
}

// Two attempts, because a datagram can be lost to a full buffer even on loopback. EDNS makes room
// for long answers.
std::string ResolvConf(const IpAddress& nameserver) {
  return "# This command runs in a session of Namegate; the host's file is as it "
         "was.\nnameserver " +
         nameserver.ToText() + (HostNameHoldsDomain() ? "\nsearch invalid" : "") +
         "\noptions timeout:5 attempts:2 edns0\n";
}

std::string RealPath(const char* path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path, nullptr), &free);
  return real ? real.get() : "";
}

// What an administrator can do when the kernel says no.
Error Forbidden(const std::string& action) {
  Error error = SystemError(action);
  if (errno != EPERM && errno != EACCES && errno != ENOSPC && errno != EINVAL) return error;
  if (geteuid() == 0) {
    return Error{error.message +
                 "; root needs CAP_SYS_ADMIN for this (in a container: --cap-add SYS_ADMIN)"};
  }
  return Error{
      error.message +
      "; this host does not let ordinary users make user namespaces: run as root, or allow "
      "them (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces, "
      "kernel.apparmor_restrict_unprivileged_userns; in a container, its seccomp profile)"};
}

Result<void> WriteFile(const std::string& path, const std::string& text) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Forbidden("write '" + path + "'");
  }
  return {};
}

// An ordinary user may map exactly his own ids, and only once setgroups is given up
// (user_namespaces(7)).
Result<void> MapOwnIds(uid_t uid, gid_t gid) {
  const auto same = [](unsigned id) {
    return std::to_string(id) + " " + std::to_string(id) + " 1\n";
  };
  if (auto done = WriteFile("/proc/self/setgroups", "deny"); !done) return done;
  if (auto done = WriteFile("/proc/self/gid_map", same(gid)); !done) return done;
  return WriteFile("/proc/self/uid_map", same(uid));
}

Result<void> EnterMountNamespace() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    return Forbidden("make a mount namespace for the command");
  }
  if (uid != 0) {
    if (auto mapped = MapOwnIds(uid, gid); !mapped) return mapped;
  }
  // What the host mounts later is seen here; what is mounted here is not seen by the host.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    const std::string action = "keep the command's mounts from the host";
    if (errno != EINVAL) return Forbidden(action);
    return Error{
        action +
        ": the root directory is not where anything is mounted, as in a chroot; mount it on "
        "itself first: mount --bind DIR DIR, and chroot DIR"};
  }
  return {};
}

Result<void> CreateFile(const std::string& path, const std::string& text) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file || fchmod(file.get(), 0644) != 0 ||
      write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return SystemError("write '" + path + "'");
  }
  return {};
}

Result<void> Cover(const std::string& target, const std::string& source) {
  constexpr unsigned long kReadOnly = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
      mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | kReadOnly, nullptr) != 0) {
    return Forbidden("mount over '" + target + "'");
  }
  return {};
}

}  // namespace

std::string WithHostsFromDns(const std::string& nsswitch_conf) {
  std::istringstream lines(nsswitch_conf);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos || line.compare(begin, 6, "hosts:") != 0) text += line + "\n";
  }
  return text + "hosts: files dns\n";
}

Result<std::vector<PrivateFile>> PlanPrivateFiles(const IpAddress& nameserver) {
  std::vector<PrivateFile> files;
  const std::string resolv_conf = RealPath(kResolvConf);
  if (resolv_conf.empty()) {
    return Error{std::string(kResolvConf) +
                 " is missing or a link to nothing, so there is no file to put the session's name "
                 "server in front of; make one (it may be empty): touch $(readlink -m " +
                 kResolvConf + ")"};
  }
  files.push_back({resolv_conf, ResolvConf(nameserver)});
  // Without the file the C library's own order is files and dns as well.
  if (const std::string nsswitch_conf = RealPath(kNsswitchConf); !nsswitch_conf.empty()) {
    files.push_back({nsswitch_conf, WithHostsFromDns(ContentOf(nsswitch_conf))});
  }
  // Connecting to what is no socket is refused, and the C library then asks by itself.
  if (const std::string nscd = RealPath(kNscdSocket); !nscd.empty()) files.push_back({nscd, ""});
  return files;
}

Result<void> EnterPrivateFiles(const std::vector<PrivateFile>& files, const std::string& scratch) {
  if (auto entered = EnterMountNamespace(); !entered) return entered;
  return InstallPrivateFiles(files, scratch);
}

Result<void> HideDirectory(const std::string& directory) {
  constexpr unsigned long kEmpty = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount("namegate", directory.c_str(), "tmpfs", kEmpty, "mode=0755,size=4k") != 0) {
    return Forbidden("hide '" + directory + "' from the command");
  }
  return {};
}

Result<void> ReplaceDirectory(const std::string& directory) {
  struct stat replaced {};
  if (stat(directory.c_str(), &replaced) != 0) return SystemError("look at '" + directory + "'");
  std::ostringstream options;
  options << "size=1m,mode=" << std::oct << (replaced.st_mode & 07777);
  if (mount("namegate", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
            options.str().c_str()) != 0) {
    return Forbidden("hide '" + directory + "' from the command");
  }
  return {};
}

Result<void> InstallPrivateFiles(const std::vector<PrivateFile>& files,
                                 const std::string& scratch) {
  if (mount("namegate", scratch.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "mode=0755,size=1m") != 0) {
    return Forbidden("mount a tmpfs over '" + scratch + "'");
  }
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string source = scratch + "/" + std::to_string(i);
    if (auto made = CreateFile(source, files[i].text); !made) return made;
    if (auto covered = Cover(files[i].target, source); !covered) return covered;
  }
  if (umount2(scratch.c_str(), MNT_DETACH) != 0) return SystemError("unmount '" + scratch + "'");
  return {};
}

}  // namespace namegate::command
