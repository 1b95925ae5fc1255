#include "resolver/rebinding_guard.h"

#include <ifaddrs.h>

#include <algorithm>
#include <memory>

namespace namegate::resolver {
namespace {

// Addresses of interfaces seldom change; asking the kernel for each answer would cost more than the
// rest of the query.
constexpr std::chrono::seconds kHostAddressesAge{5};

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
// (RFC 9637 too), 6to4. Of the rest only NAT64's prefix (RFC 6052) leads out, to the IPv4 address
// at its end.
bool IsSpecialV6(const IpAddress& address) {
  static const IpPrefix kGlobal = IpPrefix::FromText("2000::/3").value();
  static const IpPrefix kNat64 = IpPrefix::FromText("64:ff9b::/96").value();
  static const auto kSpecial = Prefixes({"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"});
  if (kNat64.Contains(address)) return IsSpecialV4(IpAddress(address.octets().subspan(12)));
  return !kGlobal.Contains(address) || InAny(kSpecial, address);
}

}  // namespace

bool RebindingGuard::IsSuspect(const IpAddress& address) {
  if (address.is_v4() ? IsSpecialV4(address) : IsSpecialV6(address)) return true;
  if (InAny(more_, address)) return true;
  RefreshHostAddresses();
  return std::find(host_addresses_.begin(), host_addresses_.end(), address) !=
         host_addresses_.end();
}

void RebindingGuard::RefreshHostAddresses() {
  const auto now = std::chrono::steady_clock::now();
  if (refreshed_ != std::chrono::steady_clock::time_point{} &&
      now - refreshed_ < kHostAddressesAge) {
    return;
  }
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0) return;  // what was known stays in force
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(raw, &freeifaddrs);
  refreshed_ = now;
  host_addresses_.clear();
  for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (const auto address = IpAddress::FromSockaddr(entry->ifa_addr)) {
      host_addresses_.push_back(*address);
    }
  }
}

}  // namespace namegate::resolver
