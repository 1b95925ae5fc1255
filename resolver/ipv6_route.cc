#include "resolver/ipv6_route.h"

#include <sys/socket.h>

#include "common/ip_address.h"
#include "common/unique_fd.h"

namespace namegate::resolver {
namespace {

constexpr std::chrono::seconds kChecksEvery{5};

// connect() on UDP sends nothing; it fails with ENETUNREACH if there is no route.
bool HasRoute() {
  // Any global unicast address (RFC 4291 §2.4) does.
  static const IpAddress kGlobal = IpAddress::FromText("2400::1").value();
  sockaddr_storage target;
  const socklen_t length = kGlobal.ToSockaddr(53, &target);
  const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket && connect(socket.get(), reinterpret_cast<sockaddr*>(&target), length) == 0;
}

}  // namespace

bool Ipv6Route::Available() {
  const auto now = std::chrono::steady_clock::now();
  if (checked_ == std::chrono::steady_clock::time_point{} || now - checked_ >= kChecksEvery) {
    available_ = HasRoute();
    checked_ = now;
  }
  return available_;
}

}  // namespace namegate::resolver
