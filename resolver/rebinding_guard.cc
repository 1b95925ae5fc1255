#include "resolver/rebinding_guard.h"

#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace namegate::resolver {
namespace {

std::vector<IpPrefix> Prefixes(std::initializer_list<const char*> texts) {
  std::vector<IpPrefix> prefixes;
  for (const char* text : texts) prefixes.push_back(IpPrefix::FromText(text).value());
  return prefixes;
}

bool InAny(const std::vector<IpPrefix>& prefixes, const IpAddress& address) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const IpPrefix& prefix) { return prefix.Contains(address); });
}

// IANA's special-purpose registry (RFC 6890), without the documentation ranges, which closed
// networks use and which lead nowhere dangerous; and the metadata services of clouds.
bool IsSpecialV4(const IpAddress& address) {
  static const auto kSpecial =
      Prefixes({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4",
                "240.0.0.0/4", "168.63.129.16"});
  return InAny(kSpecial, address);
}

// Only global unicast, less the parts of it that are not: Teredo and its neighbours, documentation
// (RFC 9637 too), 6to4.
bool IsSpecialV6(const IpAddress& address) {
  static const IpPrefix kGlobal = IpPrefix::FromText("2000::/3").value();
  static const auto kSpecial = Prefixes({"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"});
  return !kGlobal.Contains(address) || InAny(kSpecial, address);
}

}  // namespace

RebindingGuard::RebindingGuard(std::vector<IpPrefix> more)
    : more_(std::move(more)), changes_(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR) {
  FollowHost();
}

void RebindingGuard::FollowHost() {
  outdated_ = changes_.Any() || outdated_;
  if (!outdated_) return;
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0) return;  // what was known stays in force
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(raw, &freeifaddrs);
  outdated_ = false;
  host_addresses_.clear();
  for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (const auto address = IpAddress::FromSockaddr(entry->ifa_addr)) {
      host_addresses_.push_back(*address);
    }
  }
}

// Of what is not global unicast only NAT64's prefix (RFC 6052) leads out: to the IPv4 address at
// its end, and wherever that leads.
bool RebindingGuard::IsSuspect(const IpAddress& address) const {
  static const IpPrefix kNat64 = IpPrefix::FromText("64:ff9b::/96").value();
  if (kNat64.Contains(address)) {
    return InAny(more_, address) || IsSuspect(IpAddress(address.octets().subspan(12)));
  }
  if (address.is_v4() ? IsSpecialV4(address) : IsSpecialV6(address)) return true;
  if (InAny(more_, address)) return true;
  return std::find(host_addresses_.begin(), host_addresses_.end(), address) !=
         host_addresses_.end();
}

}  // namespace namegate::resolver
