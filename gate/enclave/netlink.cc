#include "gate/enclave/netlink.h"

#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "common/system_error.h"

namespace namegate::enclave {
namespace {

// Not in the headers of Linux 6.1, whose kernel passes it over.
constexpr uint16_t kGsoIpv4MaxSize = 63;  // IFLA_GSO_IPV4_MAX_SIZE
// In octets; the most that a virtual Ethernet device takes. Only for IPv4: over IPv6 each such
// packet would have an extension header (RFC 2675), behind which the tap has to look.
constexpr uint32_t kLargestSegment = 524'280;

// Requests for a change are acknowledged; those that ask are answered, or refused.
constexpr uint16_t kChange = NLM_F_REQUEST | NLM_F_ACK;
constexpr uint16_t kCreate = kChange | NLM_F_CREATE | NLM_F_EXCL;
constexpr uint16_t kAsk = NLM_F_REQUEST;

// How long the kernel may take to do what it puts off, and how often to look: it is mostly done in
// a moment, for which every command waits.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::microseconds kShortestPause{10};
constexpr std::chrono::microseconds kLongestPause{1'000};

std::span<const uint8_t> Octets(const MacAddress& mac) { return {mac.data(), mac.size()}; }

uint8_t Family(bool v4) { return v4 ? AF_INET : AF_INET6; }

std::string PrefixText(const IpAddress& address, uint8_t length) {
  return address.ToText() + "/" + std::to_string(length);
}

uint8_t RouteType(Netlink::RouteKind kind) {
  switch (kind) {
    case Netlink::RouteKind::kGateway:
      return RTN_UNICAST;
    case Netlink::RouteKind::kLocal:
      return RTN_LOCAL;
    case Netlink::RouteKind::kUnreachable:
      return RTN_UNREACHABLE;
    case Netlink::RouteKind::kBlackhole:
      break;
  }
  return RTN_BLACKHOLE;
}

void AddLinkAttributes(NetlinkRequest& request, const std::string& name, const MacAddress& mac) {
  request.Attribute(IFLA_IFNAME, name);
  request.Attribute(IFLA_ADDRESS, Octets(mac));
}

}  // namespace

NetlinkRequest::NetlinkRequest(uint16_t type, uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  Fixed(header);
}

NetlinkRequest& NetlinkRequest::Append(std::span<const uint8_t> value) {
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  return *this;
}

NetlinkRequest& NetlinkRequest::Attribute(uint16_t type, std::span<const uint8_t> value) {
  const rtattr header{static_cast<uint16_t>(RTA_LENGTH(value.size())), type};
  Fixed(header);
  return Append(value);
}

NetlinkRequest& NetlinkRequest::Attribute(uint16_t type, std::string_view text) {
  const std::string terminated(text);
  return Attribute(
      type, std::span(reinterpret_cast<const uint8_t*>(terminated.c_str()), terminated.size() + 1));
}

NetlinkRequest& NetlinkRequest::Attribute(uint16_t type, uint32_t value) {
  return Attribute(type, std::span(reinterpret_cast<const uint8_t*>(&value), sizeof value));
}

NetlinkRequest& NetlinkRequest::Attribute(uint16_t type, const IpAddress& address) {
  return Attribute(type, address.octets());
}

size_t NetlinkRequest::Open(uint16_t type) {
  const size_t opened = bytes_.size();
  Attribute(type, std::span<const uint8_t>());
  return opened;
}

void NetlinkRequest::Close(size_t opened) {
  const auto length = static_cast<uint16_t>(bytes_.size() - opened);
  std::memcpy(&bytes_[opened], &length, sizeof length);
}

Result<Netlink> Netlink::Open() {
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return SystemError("open a netlink socket", errno);
  return Netlink(std::move(socket));
}

Result<void> Netlink::Send(NetlinkRequest& request, const std::string& action) {
  std::vector<uint8_t>& bytes = request.bytes();
  const auto length = static_cast<uint32_t>(bytes.size());
  std::memcpy(bytes.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
  if (send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) return SystemError(action, errno);
  return {};
}

Result<Netlink::Answer> Netlink::Ask(NetlinkRequest& request, const std::string& action) {
  if (auto sent = Send(request, action); !sent) return sent.error();
  return Receive(action);
}

Result<Netlink::Answer> Netlink::Receive(const std::string& action) {
  Answer answer;
  const ssize_t got = recv(socket_.get(), answer.bytes.get(), Answer::kMaxLength, MSG_TRUNC);
  if (got < 0) return SystemError(action, errno);
  answer.length = static_cast<size_t>(got);
  if (answer.length > Answer::kMaxLength) {
    return Error{action + ": the kernel's answer is too long"};
  }
  nlmsghdr header{};
  if (!answer.Read(0, header)) return Error{action + ": the kernel's answer is too short"};
  answer.type = header.nlmsg_type;
  return answer;
}

Result<void> Netlink::Do(NetlinkRequest& request, const std::string& action) {
  // One request, one acknowledgement, which repeats the request behind its error code.
  const auto answer = Ask(request, action);
  if (!answer) return answer.error();
  nlmsgerr outcome{};
  if (answer->type != NLMSG_ERROR || !answer->Read(sizeof(nlmsghdr), outcome)) {
    return Error{action + ": not an answer"};
  }
  if (outcome.error != 0) return SystemError(action, -outcome.error);
  return {};
}

Result<int> Netlink::IndexOf(const std::string& link) {
  if (const auto known = indices_.find(link); known != indices_.end()) return known->second;
  // By this socket and not if_nametoindex(3), which asks the calling thread's namespace.
  NetlinkRequest query(RTM_GETLINK, kAsk);
  query.Fixed(ifinfomsg{});
  query.Attribute(IFLA_IFNAME, link);
  const std::string action = "find the device " + link;
  const auto answer = Ask(query, action);
  if (!answer) return answer.error();
  ifinfomsg info{};
  if (answer->type != RTM_NEWLINK || !answer->Read(sizeof(nlmsghdr), info)) {
    return SystemError(action, ENODEV);
  }
  return indices_[link] = info.ifi_index;
}

Result<bool> Netlink::IsLocal(const IpAddress& address) {
  NetlinkRequest query(RTM_GETROUTE, kAsk);
  rtmsg message{};
  message.rtm_family = Family(address.is_v4());
  message.rtm_dst_len = static_cast<uint8_t>(address.octets().size() * 8);
  query.Fixed(message);
  query.Attribute(RTA_DST, address);
  const auto answer = Ask(query, "look up the route to " + address.ToText());
  if (!answer) return answer.error();
  // No route is an error message, and not yet.
  return answer->type == RTM_NEWROUTE && answer->Read(sizeof(nlmsghdr), message) &&
         message.rtm_type == RTN_LOCAL;
}

Result<void> Netlink::AwaitAddress(const IpAddress& address) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (auto pause = kShortestPause; std::chrono::steady_clock::now() < deadline;
       pause = std::min(2 * pause, kLongestPause)) {
    const auto local = IsLocal(address);
    if (!local) return local.error();
    if (*local) return {};
    std::this_thread::sleep_for(pause);
  }
  return Error{"wait for the address " + address.ToText() + ": the kernel does not take it up"};
}

Result<void> Netlink::AddVeth(const std::string& name, const MacAddress& mac,
                              const std::string& peer_name, const MacAddress& peer_mac,
                              int peer_namespace) {
  NetlinkRequest request(RTM_NEWLINK, kCreate);
  request.Fixed(ifinfomsg{});
  AddLinkAttributes(request, name, mac);
  const size_t info = request.Open(IFLA_LINKINFO);
  request.Attribute(IFLA_INFO_KIND, std::string_view("veth"));
  const size_t data = request.Open(IFLA_INFO_DATA);
  const size_t peer = request.Open(VETH_INFO_PEER);
  request.Fixed(ifinfomsg{});
  AddLinkAttributes(request, peer_name, peer_mac);
  request.Attribute(IFLA_NET_NS_FD, static_cast<uint32_t>(peer_namespace));
  request.Close(peer);
  request.Close(data);
  request.Close(info);
  return Do(request, "make a veth pair (the kernel module veth)");
}

Result<void> Netlink::SetUp(const std::string& link) {
  const auto index = IndexOf(link);
  if (!index) return index.error();
  NetlinkRequest request(RTM_NEWLINK, kChange);
  ifinfomsg info{};
  info.ifi_index = *index;
  info.ifi_flags = IFF_UP;
  info.ifi_change = IFF_UP;
  request.Fixed(info);
  // No link-local address, whose duplicate detection would take a second, and no router
  // solicitations.
  const size_t families = request.Open(IFLA_AF_SPEC);
  const size_t inet6 = request.Open(AF_INET6);
  const uint8_t none = 1;  // IN6_ADDR_GEN_MODE_NONE
  request.Attribute(IFLA_INET6_ADDR_GEN_MODE, std::span(&none, 1));
  request.Close(inet6);
  request.Close(families);
  return Do(request, "set the device " + link + " up");
}

void Netlink::AllowLargeSegments(const std::string& link) {
  const auto index = IndexOf(link);
  if (!index) return;
  NetlinkRequest request(RTM_NEWLINK, kChange);
  ifinfomsg info{};
  info.ifi_index = *index;
  request.Fixed(info);
  request.Attribute(kGsoIpv4MaxSize, kLargestSegment);
  (void)Do(request, "allow large segments").ok();
}

Result<void> Netlink::Remove(const std::string& link) {
  const auto index = IndexOf(link);
  if (!index) return index.error();
  NetlinkRequest request(RTM_DELLINK, kChange);
  ifinfomsg info{};
  info.ifi_index = *index;
  request.Fixed(info);
  return Do(request, "take the device " + link + " away");
}

Result<void> Netlink::AddAddress(const std::string& link, const IpAddress& address,
                                 uint8_t prefix_length) {
  const auto index = IndexOf(link);
  if (!index) return index.error();
  NetlinkRequest request(RTM_NEWADDR, kCreate);
  ifaddrmsg message{};
  message.ifa_family = Family(address.is_v4());
  message.ifa_prefixlen = prefix_length;
  message.ifa_flags = IFA_F_PERMANENT | IFA_F_NODAD;
  message.ifa_index = static_cast<uint32_t>(*index);
  request.Fixed(message);
  request.Attribute(IFA_LOCAL, address);
  request.Attribute(IFA_ADDRESS, address);
  return Do(request, "give " + link + " the address " + PrefixText(address, prefix_length));
}

Result<void> Netlink::AddNeighbour(const std::string& link, const IpAddress& address,
                                   const MacAddress& mac) {
  const auto index = IndexOf(link);
  if (!index) return index.error();
  NetlinkRequest request(RTM_NEWNEIGH, kChange | NLM_F_CREATE | NLM_F_REPLACE);
  ndmsg message{};
  message.ndm_family = Family(address.is_v4());
  message.ndm_ifindex = *index;
  message.ndm_state = NUD_PERMANENT;
  request.Fixed(message);
  request.Attribute(NDA_DST, address);
  request.Attribute(NDA_LLADDR, Octets(mac));
  return Do(request, "tell " + link + " its neighbour " + address.ToText());
}

Result<void> Netlink::AddRoute(const Route& route) {
  const bool v4 = route.destination.is_v4();
  NetlinkRequest request(RTM_NEWROUTE, kCreate);
  rtmsg message{};
  message.rtm_family = Family(v4);
  message.rtm_dst_len = route.prefix_length;
  message.rtm_protocol = RTPROT_STATIC;
  message.rtm_scope = route.kind == RouteKind::kLocal ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
  message.rtm_type = RouteType(route.kind);
  request.Fixed(message);
  request.Attribute(RTA_TABLE, route.table);
  if (route.prefix_length > 0) request.Attribute(RTA_DST, route.destination);
  if (route.kind == RouteKind::kGateway) request.Attribute(RTA_GATEWAY, route.gateway);
  if (!route.link.empty()) {
    const auto index = IndexOf(route.link);
    if (!index) return index.error();
    request.Attribute(RTA_OIF, static_cast<uint32_t>(*index));
  }
  return Do(request, "add a route for " + PrefixText(route.destination, route.prefix_length));
}

Result<void> Netlink::AddRule(bool v4, uint32_t priority, uint32_t mark, uint32_t table) {
  NetlinkRequest request(RTM_NEWRULE, kCreate);
  fib_rule_hdr message{};
  message.family = Family(v4);
  message.action = FR_ACT_TO_TBL;
  request.Fixed(message);
  request.Attribute(FRA_PRIORITY, priority);
  request.Attribute(FRA_TABLE, table);
  if (mark != 0) request.Attribute(FRA_FWMARK, mark);
  return Do(request, "add a routing rule (the kernel's CONFIG_IP_MULTIPLE_TABLES)");
}

}  // namespace namegate::enclave
