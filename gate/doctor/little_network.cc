#include "gate/doctor/little_network.h"

#include <sched.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "gate/doctor/user_namespace.h"
#include "gate/enclave/id_map.h"
#include "gate/enclave/netlink.h"
#include "gate/enclave/networks.h"

namespace namegate::doctor {
namespace {

// What the host allows its users, and a new network namespace has at the kernel's default.
constexpr std::array kKept = {"net/ipv4/ip_unprivileged_port_start", "net/ipv4/ping_group_range",
                              "net/ipv4/tcp_fastopen"};

// What a kernel left to itself drops, so that the gates are what holds it here.
constexpr std::array<std::pair<const char*, const char*>, 8> kOpenings = {{
    // A packet that is written to the loopback device is of an address of its own.
    {"net/ipv4/conf/lo/accept_local", "1"},
    {"net/ipv4/conf/lo/rp_filter", "0"},
    {"net/ipv4/conf/all/rp_filter", "0"},
    {"net/ipv4/conf/lo/route_localnet", "1"},
    // Routes that a packet brings along.
    {"net/ipv4/conf/all/accept_source_route", "1"},
    {"net/ipv4/conf/lo/accept_source_route", "1"},
    {"net/ipv6/conf/all/seg6_enabled", "1"},
    {"net/ipv6/conf/lo/seg6_enabled", "1"},
}};

std::vector<std::pair<const char*, std::string>> HostSettings() {
  std::vector<std::pair<const char*, std::string>> settings;
  for (const char* name : kKept) {
    std::ifstream file(std::string("/proc/sys/") + name);
    std::string value;
    if (std::getline(file, value)) settings.emplace_back(name, value);
  }
  return settings;
}

// Root needs no user namespace for it.
Result<void> MakeNetwork() {
  const bool made = geteuid() == 0 ? unshare(CLONE_NEWNET) == 0 : EnterUserNamespace(CLONE_NEWNET);
  if (made) return {};
  return enclave::NamespaceError("make a network to try the gates in");
}

}  // namespace

Result<void> EnterLittleNetwork() {
  const auto settings = HostSettings();
  if (auto made = MakeNetwork(); !made) return made;
  for (const auto& [name, value] : settings) (void)enclave::SetSysctl(name, value.c_str()).ok();
  // If one of them fails there is less to show.
  for (const auto& [name, value] : kOpenings) (void)enclave::SetSysctl(name, value).ok();
  auto netlink = enclave::Netlink::Open();
  if (!netlink) return netlink.error();
  if (auto up = netlink->SetUp("lo"); !up) return up;
  for (const char* address : {"203.0.113.1", "8.8.8.8", "169.254.169.254"}) {
    auto added = netlink->AddAddress("lo", IpAddress::FromText(address).value(), 32);
    if (!added) return added;
  }
  // Not on a host without IPv6, where there is nothing to try over it.
  const IpAddress v6 = IpAddress::FromText("2001:db8:1::1").value();
  if (!netlink->AddAddress("lo", v6, 128)) return {};
  return netlink->AwaitAddress(v6);
}

}  // namespace namegate::doctor
