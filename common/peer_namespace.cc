#include "common/peer_namespace.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <string>

#include "common/file_content.h"
#include "common/unique_fd.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

namespace namegate {
namespace {

// A process that is held by a descriptor, where the kernel has such (since Linux 6.5): its number
// is then known to be no other process's. 0: it is not in our pid namespace, or has gone.
struct Peer {
  pid_t pid = 0;
  UniqueFd held;
};

pid_t PidOf(const UniqueFd& process) {
  constexpr char kPid[] = "Pid:";
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(process.get()));
  for (std::string word; info >> word;) {
    pid_t pid = 0;
    if (word == kPid && info >> pid) return pid > 0 ? pid : 0;
  }
  return 0;
}

Peer PeerOf(int socket) {
  int process = -1;
  socklen_t length = sizeof process;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &process, &length) == 0) {
    Peer peer{0, UniqueFd(process)};
    peer.pid = PidOf(peer.held);
    return peer;
  }
  if (errno != ENOPROTOOPT) return {};
  ucred credentials{};
  length = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return {};
  return {credentials.pid, {}};
}

bool HasEnded(const UniqueFd& process) {
  pollfd ended{process.get(), POLLIN, 0};
  return poll(&ended, 1, 0) != 0;
}

// Which namespace it is may be looked at by who may trace the process; not so if it has
// capabilities that we have not. What is mapped into the namespace anybody may see.
PeerNamespace Compare(const std::string& theirs) {
  struct stat own {};
  struct stat other {};
  if (stat("/proc/self/ns/user", &own) != 0) return PeerNamespace::kUnknown;
  bool same = false;
  if (stat((theirs + "/ns/user").c_str(), &other) == 0) {
    same = own.st_dev == other.st_dev && own.st_ino == other.st_ino;
  } else if (errno == EACCES || errno == EPERM) {
    same = ContentOf(theirs + "/uid_map") == ContentOf("/proc/self/uid_map");
  } else {
    return PeerNamespace::kUnknown;
  }
  return same ? PeerNamespace::kOurs : PeerNamespace::kAnother;
}

}  // namespace

PeerNamespace UserNamespaceOfPeer(int socket) {
  const Peer peer = PeerOf(socket);
  if (peer.pid == 0) return PeerNamespace::kUnknown;
  const PeerNamespace where = Compare("/proc/" + std::to_string(peer.pid));
  return peer.held && HasEnded(peer.held) ? PeerNamespace::kUnknown : where;
}

}  // namespace namegate
