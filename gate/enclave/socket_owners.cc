#include "gate/enclave/socket_owners.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace namegate::enclave {
namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

Question MakeQuestion(Protocol protocol, const Endpoint& local, const Endpoint& remote) {
  Question question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  inet_diag_req_v2& request = question.request;
  request.sdiag_family = local.address.is_v4() ? AF_INET : AF_INET6;
  request.sdiag_protocol = static_cast<uint8_t>(protocol);
  request.idiag_states = ~0U;
  // For UDP the two ends change places in the request, "for historical reasons" (udp_diag).
  const Endpoint& source = protocol == Protocol::kTcp ? local : remote;
  const Endpoint& destination = protocol == Protocol::kTcp ? remote : local;
  request.id.idiag_sport = htons(source.port);
  request.id.idiag_dport = htons(destination.port);
  std::memcpy(request.id.idiag_src, source.address.octets().data(), source.address.octets().size());
  std::memcpy(request.id.idiag_dst, destination.address.octets().data(),
              destination.address.octets().size());
  request.id.idiag_cookie[0] = request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return question;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::string LinkAt(int directory, const char* name) {
  std::array<char, 64> text{};
  const ssize_t length = readlinkat(directory, name, text.data(), text.size());
  return length < 0 ? std::string() : std::string(text.data(), static_cast<size_t>(length));
}

std::string DescriptorsOf(pid_t process) { return "/proc/" + std::to_string(process) + "/fd"; }

// The process's descriptor that is this link, whatever its number; -1 if it has none.
int FindDescriptor(pid_t process, const std::string& link, int /*first*/) {
  const Directory directory(opendir(DescriptorsOf(process).c_str()));
  if (!directory) return -1;
  const int fd = dirfd(directory.get());
  for (size_t seen = 0; seen < SocketOwners::kMaxDescriptors; ++seen) {
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr) return -1;
    if (entry->d_name[0] != '.' && LinkAt(fd, entry->d_name) == link) {
      return std::atoi(entry->d_name);
    }
  }
  return -1;
}

// The same among the few from `first` on.
int FindLikelyDescriptor(pid_t process, const std::string& link, int first) {
  for (int fd = first; fd < first + SocketOwners::kLikely; ++fd) {
    const std::string path = DescriptorsOf(process) + "/" + std::to_string(fd);
    if (LinkAt(AT_FDCWD, path.c_str()) == link) return fd;
  }
  return -1;
}

}  // namespace

UniqueFd SocketOwners::OpenDiagnostics() {
  return UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
}

SocketOwners::SocketOwners(UniqueFd diagnostics, int sandbox)
    : diagnostics_(std::move(diagnostics)) {
  struct stat status {};
  if (fstat(sandbox, &status) == 0) sandbox_ = status.st_ino;
}

std::optional<uint32_t> SocketOwners::InodeOf(Protocol protocol, const Endpoint& local,
                                              const Endpoint& remote) const {
  const Question question = MakeQuestion(protocol, local, remote);
  if (send(diagnostics_.get(), &question, sizeof question, 0) < 0) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  const ssize_t got = recv(diagnostics_.get(), buffer.data(), buffer.size(), 0);
  nlmsghdr header{};
  inet_diag_msg answer{};
  if (got < static_cast<ssize_t>(sizeof header + sizeof answer)) return std::nullopt;
  std::memcpy(&header, buffer.data(), sizeof header);
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
  std::memcpy(&answer, buffer.data() + sizeof header, sizeof answer);
  return answer.idiag_inode;
}

uint32_t SocketOwners::Find(Protocol protocol, const Endpoint& local, const Endpoint& remote) {
  if (!diagnostics_ || sandbox_ == 0) return 0;
  const auto inode = InodeOf(protocol, local, remote);
  if (!inode || *inode == 0) return 0;
  const std::string link = "socket:[" + std::to_string(*inode) + "]";
  for (const auto find : {FindLikelyDescriptor, FindDescriptor}) {
    for (Owner& owner : remembered_) {
      const int fd = find(owner.process, link, owner.descriptor);
      if (fd < 0) continue;
      owner.descriptor = fd;
      return static_cast<uint32_t>(owner.process);
    }
  }
  const Directory processes(opendir("/proc"));
  if (!processes) return 0;
  size_t looked_at = 0;
  while (const dirent* entry = readdir(processes.get())) {
    const std::string_view name = entry->d_name;
    pid_t process = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), process);
    if (parsed.ptr != name.data() + name.size() || !IsInSandbox(process)) continue;
    if (++looked_at > kMaxProcesses) return 0;
    const int fd = FindDescriptor(process, link, 0);
    if (fd < 0) continue;
    Remember(process, fd);
    return static_cast<uint32_t>(process);
  }
  return 0;
}

std::optional<bool> SocketOwners::IsHeld(Protocol protocol, const Endpoint& local,
                                         const Endpoint& remote) const {
  if (!diagnostics_) return std::nullopt;
  const auto inode = InodeOf(protocol, local, remote);
  if (!inode) return std::nullopt;
  return *inode != 0;
}

bool SocketOwners::IsInSandbox(pid_t process) const {
  struct stat status {};
  const std::string path = "/proc/" + std::to_string(process) + "/ns/net";
  return stat(path.c_str(), &status) == 0 && status.st_ino == sandbox_;
}

void SocketOwners::Remember(pid_t process, int descriptor) {
  remembered_.push_front({process, descriptor});
  if (remembered_.size() > kRemembered) remembered_.pop_back();
}

}  // namespace namegate::enclave
