#include "resolver/ipv6_route.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/ip_address.h"

namespace namegate::resolver {
namespace {

// connect() on UDP sends nothing; it fails with ENETUNREACH if there is no route. Where a router
// gives out no addresses there is one, but with nothing to send from but an address of the link's
// or the loopback's own, which no router carries on (RFC 4291 §2.5.3, §2.5.6).
bool HasRoute() {
  // Any global unicast address (RFC 4291 §2.4) does.
  static const IpAddress kGlobal = IpAddress::FromText("2400::1").value();
  sockaddr_storage target;
  const socklen_t length = kGlobal.ToSockaddr(53, &target);
  const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || connect(socket.get(), reinterpret_cast<sockaddr*>(&target), length) != 0) {
    return false;
  }
  sockaddr_in6 source{};
  socklen_t source_length = sizeof source;
  auto* name = reinterpret_cast<sockaddr*>(&source);
  return getsockname(socket.get(), name, &source_length) == 0 &&
         IN6_IS_ADDR_LINKLOCAL(&source.sin6_addr) == 0 &&
         IN6_IS_ADDR_LOOPBACK(&source.sin6_addr) == 0;
}

}  // namespace

// Addresses too: without one no route is of use.
Ipv6Route::Ipv6Route() : changes_(RTMGRP_IPV6_ROUTE | RTMGRP_IPV6_IFADDR) {}

bool Ipv6Route::Available() {
  if (changes_.Any()) available_ = HasRoute();
  return available_;
}

}  // namespace namegate::resolver
