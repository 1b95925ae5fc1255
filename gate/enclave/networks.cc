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

Result<void> AddDefaultRoute(Netlink& netlink, const IpAddress& gateway) {
  return netlink.AddRoute(
      {Netlink::RouteKind::kGateway, Zero(gateway.is_v4()), 0, 254, kSandboxLink, gateway});
}

Result<void> ConfigureSandbox4(Netlink& netlink) {
  return Steps()
      .Then([&] {
        return ConfigureOneEnd(netlink, kSandboxLink, SandboxAddress(), GatewayAddress(),
                               kPrefixLength, kGatewayMac);
      })
      .Then([&] { return AddDefaultRoute(netlink, GatewayAddress()); })
      .result();
}

Result<void> ConfigureSandbox6(Netlink& netlink) {
  return Steps()
      .Then([&] {
        return ConfigureOneEnd(netlink, kSandboxLink, SandboxAddress6(), GatewayAddress6(),
                               kPrefixLength6, kGatewayMac);
      })
      .Then([&] { return netlink.AwaitAddress(SandboxAddress6()); })
      .Then([&] { return AddDefaultRoute(netlink, GatewayAddress6()); })
      .result();
}

std::string ReadSysctl(const std::string& name) {
  std::ifstream file("/proc/sys/" + name);
  std::string value;
  std::getline(file, value);
  return value;
}

// On the way between the sandbox and the gateway nothing is lost and nobody else sends. What paces
// itself (BBR, where a host has chosen it) would only wait there; the host's choice holds where it
// matters, from the relay to the server. Reno is part of each kernel (tcp(7)).
void SendWithoutPacing() { (void)SetSysctl("net/ipv4/tcp_congestion_control", "reno").ok(); }

bool Ipv6IsOff() {
  return ReadSysctl(std::string("net/ipv6/conf/") + kSandboxLink + "/disable_ipv6") == "1";
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

std::string SynRetries() { return ReadSysctl(kSynRetries); }

void SetSynRetries(const std::string& retries) {
  // What a host leaves at its default needs no setting, and may be unable to be set.
  if (!retries.empty() && retries != SynRetries()) {
    (void)SetSysctl(kSynRetries, retries.c_str()).ok();
  }
}

Result<void> LinkToSandbox(int sandbox) {
  auto netlink = Netlink::Open();
  if (!netlink) return netlink.error();
  // Up before the other end: the kernel takes its time to have a device send that was up first.
  return Steps()
      .Then([&] {
        return netlink->AddVeth(kGatewayLink, kGatewayMac, kSandboxLink, kSandboxMac, sandbox);
      })
      .Then([&] { return netlink->SetUp(kGatewayLink); })
      .result();
}

Result<void> Unlink() {
  auto netlink = Netlink::Open();
  if (!netlink) return netlink.error();
  return netlink->Remove(kGatewayLink);
}

Result<void> PrepareGateway() {
  auto netlink = Netlink::Open();
  if (!netlink) return netlink.error();
  SendWithoutPacing();
  // The sandbox's address is not where its packets come from: a re-injected SYN comes in over lo,
  // and for what lacks the relay's mark the way back is a black hole. The larger of `all` and a
  // device's own value counts; the gateway's device, which is still to come, starts with `default`.
  return Steps()
      .Then([] { return SetSysctl("net/ipv4/conf/all/rp_filter", "0"); })
      .Then([] { return SetSysctl("net/ipv4/conf/lo/rp_filter", "0"); })
      .Then([] { return SetSysctl("net/ipv4/conf/default/rp_filter", "0"); })
      .Then([] { return SetSysctl("net/ipv4/icmp_echo_ignore_all", "1"); })
      .Then([] { return SetSysctl("net/ipv6/icmp/echo_ignore_all", "1"); })
      .Then([&] { return netlink->SetUp("lo"); })
      .Then([&] { return AddAnyIp(*netlink, true); })
      .Then([&] { return AddAnyIp(*netlink, false); })
      .result();
}

Result<void> ConfigureGateway() {
  auto netlink = Netlink::Open();
  if (!netlink) return netlink.error();
  return Steps()
      .Then([&] {
        return ConfigureOneEnd(*netlink, kGatewayLink, GatewayAddress(), SandboxAddress(),
                               kPrefixLength, kSandboxMac);
      })
      .Then([&] {
        return ConfigureOneEnd(*netlink, kGatewayLink, GatewayAddress6(), SandboxAddress6(),
                               kPrefixLength6, kSandboxMac);
      })
      .result();
}

Result<void> ConfigureSandbox() {
  auto netlink = Netlink::Open();
  if (!netlink) return netlink.error();
  SendWithoutPacing();
  return Steps()
      .Then([&] { return netlink->SetUp("lo"); })
      .Then([&] {
        // What the command sends is bound by the relay's core; towards it, it is the server's pace.
        netlink->AllowLargeSegments(kSandboxLink);
        return netlink->SetUp(kSandboxLink);
      })
      .Then([&] { return ConfigureSandbox4(*netlink); })
      .Then([&] { return Ipv6IsOff() ? Result<void>() : ConfigureSandbox6(*netlink); })
      .result();
}

}  // namespace namegate::enclave
