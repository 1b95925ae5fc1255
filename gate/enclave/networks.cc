#include "gate/enclave/networks.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "gate/enclave/layout.h"

// Theory of operation. In G, packets are looked up in this order:
//
//   rule 0    the local table: G's own addresses
//   rule 100  marked as the relay's → the main table, which leads to S and nowhere else
//   rule 200  everything else → a table in which every address is local ("AnyIP") and the way back
//             to S is a black hole
//
// So whatever S sends is delivered in G, to a socket of the relay or to none; and nothing but the
// relay's sockets can answer. That is what makes the held handshake possible on ports without a
// listener: the kernel's own RST for them finds no route. It also silences ping and every other
// answer that the kernel of G would give by itself.

namespace namegate::enclave {
namespace {

constexpr char kSynRetries[] = "net/ipv4/tcp_syn_retries";

// First cause wins: after an error the rest is skipped.
class Steps {
 public:
  template <typename Step>
  Steps& Then(Step step) {
    if (result_) result_ = step();
    return *this;
  }
  Result<void> result() const { return result_; }

 private:
  Result<void> result_;
};

IpAddress Zero(bool v4) { return v4 ? IpAddress() : IpAddress::FromText("::").value(); }

Result<void> AddAnyIp(Netlink& netlink, bool v4) {
  using Kind = Netlink::RouteKind;
  const IpAddress sandbox = v4 ? SandboxAddress() : SandboxAddress6();
  const uint8_t whole = v4 ? 32 : 128;
  return Steps()
      .Then([&] { return netlink.AddRule(v4, 100, kRelayMark, 254); })
      .Then([&] { return netlink.AddRule(v4, 200, 0, kAnyIpTable); })
      .Then([&] {
        return netlink.AddRoute({Kind::kLocal, Zero(v4), 0, kAnyIpTable, "lo", {}});
      })
      .Then([&] {
        return netlink.AddRoute({Kind::kBlackhole, sandbox, whole, kAnyIpTable, "", {}});
      })
      .result();
}

Result<void> ConfigureOneEnd(Netlink& netlink, const char* link, const IpAddress& own,
                             const IpAddress& other, uint8_t prefix_length, const MacAddress& mac) {
  return Steps()
      .Then([&] { return netlink.AddAddress(link, own, prefix_length); })
      .Then([&] { return netlink.AddNeighbour(link, other, mac); })
      .result();
}

}  // namespace

Result<void> SetSysctl(const char* name, const char* value) {
  const std::string path = std::string("/proc/sys/") + name;
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const auto length = static_cast<ssize_t>(std::strlen(value));
  if (!file || write(file.get(), value, static_cast<size_t>(length)) != length) {
    return Error{"set " + path + " in a network namespace: " + std::strerror(errno) +
                 "; in a container, /proc/sys must not be mounted read-only"};
  }
  return {};
}

std::string SynRetries() {
  std::ifstream file(std::string("/proc/sys/") + kSynRetries);
  std::string retries;
  std::getline(file, retries);
  return retries;
}

void SetSynRetries(const std::string& retries) {
  // What a host leaves at its default needs no setting, and may be unable to be set.
  if (!retries.empty() && retries != SynRetries()) {
    (void)SetSysctl(kSynRetries, retries.c_str()).ok();
  }
}

Result<void> ConfigureGateway(int sandbox) {
  auto netlink = Netlink::Open();
  if (!netlink) return netlink.error();
  return Steps()
      // A re-injected SYN comes in over lo with the sandbox's address, which lies elsewhere.
      .Then([] { return SetSysctl("net/ipv4/conf/all/rp_filter", "0"); })
      .Then([] { return SetSysctl("net/ipv4/conf/default/rp_filter", "0"); })
      .Then([] { return SetSysctl("net/ipv4/conf/lo/rp_filter", "0"); })
      .Then([] { return SetSysctl("net/ipv4/icmp_echo_ignore_all", "1"); })
      .Then([] { return SetSysctl("net/ipv6/icmp/echo_ignore_all", "1"); })
      .Then([&] { return netlink->SetUp("lo"); })
      .Then([&] {
        return netlink->AddVeth(kGatewayLink, kGatewayMac, kSandboxLink, kSandboxMac, sandbox);
      })
      .Then([&] { return netlink->SetUp(kGatewayLink); })
      .Then([&] {
        return ConfigureOneEnd(*netlink, kGatewayLink, GatewayAddress(), SandboxAddress(),
                               kPrefixLength, kSandboxMac);
      })
      .Then([&] {
        return ConfigureOneEnd(*netlink, kGatewayLink, GatewayAddress6(), SandboxAddress6(),
                               kPrefixLength6, kSandboxMac);
      })
      .Then([&] { return AddAnyIp(*netlink, true); })
      .Then([&] { return AddAnyIp(*netlink, false); })
      .result();
}

Result<void> ConfigureSandbox() {
  using Kind = Netlink::RouteKind;
  auto netlink = Netlink::Open();
  if (!netlink) return netlink.error();
  const auto default_route = [&](const IpAddress& gateway) {
    return netlink->AddRoute(
        {Kind::kGateway, Zero(gateway.is_v4()), 0, 254, kSandboxLink, gateway});
  };
  return Steps()
      .Then([&] { return netlink->SetUp("lo"); })
      .Then([&] { return netlink->SetUp(kSandboxLink); })
      .Then([&] {
        return ConfigureOneEnd(*netlink, kSandboxLink, SandboxAddress(), GatewayAddress(),
                               kPrefixLength, kGatewayMac);
      })
      .Then([&] {
        return ConfigureOneEnd(*netlink, kSandboxLink, SandboxAddress6(), GatewayAddress6(),
                               kPrefixLength6, kGatewayMac);
      })
      .Then([&] { return default_route(GatewayAddress()); })
      .Then([&] { return default_route(GatewayAddress6()); })
      .result();
}

}  // namespace namegate::enclave
