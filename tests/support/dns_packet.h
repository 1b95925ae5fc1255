#pragma once

// DNS messages as the tests make and read them: with ldns, which shares no code with the resolver's
// own reader and builder, so that a mistake of theirs is not repeated here.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/ldns.h"

namespace namegate::testing {

using Bytes = std::vector<uint8_t>;

// Of a message over TCP (RFC 1035 §4.2.2), and more than a datagram holds.
inline constexpr size_t kMaxMessage = 65'535;

struct QueryOptions {
  uint16_t id = 0x4e47;
  uint16_t udp_payload = 1232;  // 0: without EDNS
  std::string dns_class = "IN";
};

// A query with RD set. An unparsable name, type or class is a mistake in the test and throws.
Bytes MakeQuery(const std::string& name, const std::string& type, const QueryOptions& options = {});

// What a response says, in words that a test can compare.
struct Reply {
  Bytes raw;
  uint16_t id = 0;
  std::string rcode;  // "NOERROR", "NXDOMAIN", … or its number
  bool authoritative = false;
  bool truncated = false;
  bool recursion_available = false;
  std::string question;                // "a.example.org. IN A", letters as they came
  std::vector<std::string> answers;    // "a.example.org. 60 IN A 192.0.2.7"
  std::vector<std::string> authority;  // the same
  bool edns = false;
  uint16_t udp_payload = 0;
  std::optional<uint16_t> ede;  // INFO-CODE of the first Extended DNS Error (RFC 8914)
  std::string ede_text;

  // The RDATA of the answers, in order.
  std::vector<std::string> data() const;
  // The TTL of the first answer, or -1 if there is none.
  int64_t ttl() const;
};

// Nothing if ldns finds that it is no DNS message.
std::optional<Reply> ReadReply(const Bytes& bytes);

// "a.example.org. 60 IN A 192.0.2.7", without tabs and newline.
std::string RecordText(const ldns_rr* record);

struct PacketFree {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using Packet = std::unique_ptr<ldns_pkt, PacketFree>;

// The message as ldns reads it; null if it does not.
Packet ParsePacket(const Bytes& bytes);
Bytes PacketBytes(const ldns_pkt* packet);

}  // namespace namegate::testing
