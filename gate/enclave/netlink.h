#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/ip_address.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace namegate::enclave {

using MacAddress = std::array<uint8_t, 6>;

// One rtnetlink request (rtnetlink(7)): a header, a fixed part, attributes that may nest.
class NetlinkRequest {
 public:
  // `flags`: NLM_F_… (netlink(7)).
  NetlinkRequest(uint16_t type, uint16_t flags);

  // The fixed part of the message, such as an ifinfomsg; before any attribute.
  template <typename T>
  NetlinkRequest& Fixed(const T& value) {
    return Append({reinterpret_cast<const uint8_t*>(&value), sizeof value});
  }
  NetlinkRequest& Attribute(uint16_t type, std::span<const uint8_t> value);
  NetlinkRequest& Attribute(uint16_t type, std::string_view text);  // with its NUL
  NetlinkRequest& Attribute(uint16_t type, uint32_t value);
  NetlinkRequest& Attribute(uint16_t type, const IpAddress& address);
  // What is added between these two is inside an attribute of this type.
  size_t Open(uint16_t type);
  void Close(size_t opened);

  std::vector<uint8_t>& bytes() { return bytes_; }

 private:
  NetlinkRequest& Append(std::span<const uint8_t> value);

  std::vector<uint8_t> bytes_;
};

// The network namespace in which it was opened, asked to change. Every error names the change.
class Netlink {
 public:
  // In the network namespace of the calling thread.
  static Result<Netlink> Open();

  // A pair of virtual Ethernet devices: `name` here, `peer_name` in the namespace that
  // `peer_namespace` is a descriptor of.
  Result<void> AddVeth(const std::string& name, const MacAddress& mac, const std::string& peer_name,
                       const MacAddress& peer_mac, int peer_namespace);
  Result<void> SetUp(const std::string& link);
  // Lets the kernel hand the device more of a TCP stream over IPv4 at a time than a packet could
  // hold, where it can (since Linux 6.3); without it nothing but time is lost.
  void AllowLargeSegments(const std::string& link);
  // Takes a device away, and with it the other one of its pair.
  Result<void> Remove(const std::string& link);
  Result<void> AddAddress(const std::string& link, const IpAddress& address, uint8_t prefix_length);
  // The kernel puts off the last step of giving an address to a device (for IPv6 it has a worker
  // for that); until then packets to it go elsewhere. Returns when that is done.
  Result<void> AwaitAddress(const IpAddress& address);
  // A neighbour that needs no ARP or neighbour discovery.
  Result<void> AddNeighbour(const std::string& link, const IpAddress& address,
                            const MacAddress& mac);

  // What a route does with packets. kLocal: they are for this host.
  enum class RouteKind : uint8_t { kGateway, kLocal, kBlackhole, kUnreachable };
  struct Route {
    RouteKind kind = RouteKind::kGateway;
    IpAddress destination;  // its family is the route's
    uint8_t prefix_length = 0;
    uint32_t table = 254;  // RT_TABLE_MAIN
    std::string link;      // for kGateway and kLocal
    IpAddress gateway;     // for kGateway
  };
  Result<void> AddRoute(const Route& route);
  // Packets of this family and mark (0: any) are looked up in this table.
  Result<void> AddRule(bool v4, uint32_t priority, uint32_t mark, uint32_t table);

  struct Link {
    std::string name;
    bool through_another = false;  // what it carries leaves by another network namespace
  };
  Result<std::vector<Link>> Links();
  // Whether anything but a refusal is the route to everywhere, in any table.
  Result<bool> HasDefaultRoute();

 private:
  explicit Netlink(UniqueFd socket) : socket_(std::move(socket)) {}
  // A message of the kernel's, which is for this socket alone.
  struct Answer {
    static constexpr size_t kMaxLength = 16'384;  // octets
    std::unique_ptr<uint8_t[]> bytes = std::make_unique_for_overwrite<uint8_t[]>(kMaxLength);
    size_t length = 0;
    uint16_t type = 0;

    template <typename T>
    bool Read(size_t offset, T& value) const {
      if (length < offset + sizeof value) return false;
      std::memcpy(&value, bytes.get() + offset, sizeof value);
      return true;
    }
  };

  // A message of an answer that is a list: its type, and what is behind its header.
  using Visitor = std::function<void(uint16_t type, std::span<const uint8_t> body)>;

  // `action` for the error.
  Result<Answer> Receive(const std::string& action);
  Result<void> Send(NetlinkRequest& request, const std::string& action);
  Result<void> List(NetlinkRequest& request, const std::string& action, const Visitor& visit);
  Result<Answer> Ask(NetlinkRequest& request, const std::string& action);
  Result<void> Do(NetlinkRequest& request, const std::string& action);
  Result<bool> IsLocal(const IpAddress& address);
  Result<int> IndexOf(const std::string& link);

  UniqueFd socket_;
  std::map<std::string, int> indices_;  // of devices, which keep theirs
};

}  // namespace namegate::enclave
