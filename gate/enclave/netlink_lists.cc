// What a network namespace has: the answers of rtnetlink(7) that are lists.

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <optional>

#include "gate/enclave/netlink.h"

namespace namegate::enclave {
namespace {

constexpr uint16_t kList = NLM_F_REQUEST | NLM_F_DUMP;

template <typename T>
std::optional<T> Fixed(std::span<const uint8_t> body) {
  T value{};
  if (body.size() < sizeof value) return std::nullopt;
  std::memcpy(&value, body.data(), sizeof value);
  return value;
}

// The value of the first attribute of this type behind the fixed part, which is `fixed` octets.
std::optional<std::span<const uint8_t>> Attribute(std::span<const uint8_t> body, size_t fixed,
                                                  uint16_t type) {
  for (size_t at = NLMSG_ALIGN(fixed); at < body.size();) {
    const auto header = Fixed<rtattr>(body.subspan(at));
    if (!header || header->rta_len < sizeof *header || header->rta_len > body.size() - at) break;
    if (header->rta_type == type) {
      return body.subspan(at + RTA_LENGTH(0), header->rta_len - RTA_LENGTH(0));
    }
    at += RTA_ALIGN(header->rta_len);
  }
  return std::nullopt;
}

}  // namespace

Result<void> Netlink::List(NetlinkRequest& request, const std::string& action,
                           const Visitor& visit) {
  if (auto sent = Send(request, action); !sent) return sent;
  for (;;) {
    const auto answer = Receive(action);
    if (!answer) return answer.error();
    std::span<const uint8_t> rest(answer->bytes.get(), answer->length);
    while (!rest.empty()) {
      const auto header = Fixed<nlmsghdr>(rest);
      if (!header || header->nlmsg_len < sizeof *header || header->nlmsg_len > rest.size() ||
          header->nlmsg_type == NLMSG_ERROR) {
        return Error{action + ": the kernel refused to list them"};
      }
      if (header->nlmsg_type == NLMSG_DONE) return {};
      visit(header->nlmsg_type, rest.first(header->nlmsg_len).subspan(NLMSG_HDRLEN));
      rest = rest.subspan(std::min<size_t>(NLMSG_ALIGN(header->nlmsg_len), rest.size()));
    }
  }
}

Result<std::vector<Netlink::Link>> Netlink::Links() {
  NetlinkRequest request(RTM_GETLINK, kList);
  request.Fixed(ifinfomsg{});
  std::vector<Link> links;
  const auto listed =
      List(request, "list the devices", [&](uint16_t type, std::span<const uint8_t> body) {
        if (type != RTM_NEWLINK) return;
        Link link;
        if (const auto name = Attribute(body, sizeof(ifinfomsg), IFLA_IFNAME)) {
          for (const uint8_t octet : *name) {
            if (octet != 0) link.name += static_cast<char>(octet);
          }
        }
        link.through_another = Attribute(body, sizeof(ifinfomsg), IFLA_LINK_NETNSID).has_value();
        links.push_back(std::move(link));
      });
  if (!listed) return listed.error();
  return links;
}

Result<bool> Netlink::HasDefaultRoute() {
  bool found = false;
  for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
    NetlinkRequest request(RTM_GETROUTE, kList);
    rtmsg wanted{};
    wanted.rtm_family = family;
    request.Fixed(wanted);
    const auto listed =
        List(request, "list the routes", [&](uint16_t type, std::span<const uint8_t> body) {
          const auto route = Fixed<rtmsg>(body);
          if (type != RTM_NEWROUTE || !route) return;
          const bool leads = route->rtm_type == RTN_UNICAST || route->rtm_type == RTN_LOCAL;
          found = found || (route->rtm_dst_len == 0 && leads);
        });
    if (!listed) return listed.error();
  }
  return found;
}

}  // namespace namegate::enclave
