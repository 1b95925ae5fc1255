#include "resolver/network_changes.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace namegate::resolver {
namespace {

UniqueFd Subscribe(uint32_t groups) {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  if (!socket || bind(socket.get(), name, sizeof address) != 0) return {};
  return socket;
}

}  // namespace

NetworkChanges::NetworkChanges(uint32_t groups) : socket_(Subscribe(groups)) {}

// The kernel's messages are only cleared away. An error other than that there is none means that
// some were lost.
bool NetworkChanges::Any() {
  if (!socket_) return true;
  bool changed = !std::exchange(asked_, true);
  std::array<char, 64> start;
  while (recv(socket_.get(), start.data(), start.size(), 0) >= 0 || errno == EINTR) changed = true;
  return changed || errno != EAGAIN;
}

}  // namespace namegate::resolver
