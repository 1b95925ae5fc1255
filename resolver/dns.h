#pragma once

// Numbers of the DNS protocol that the resolver speaks of, from the IANA registries.

#include <cstddef>
#include <cstdint>

namespace namegate::resolver {

namespace rrtype {
inline constexpr uint16_t kA = 1;
inline constexpr uint16_t kNs = 2;
inline constexpr uint16_t kCname = 5;
inline constexpr uint16_t kSoa = 6;
inline constexpr uint16_t kPtr = 12;
inline constexpr uint16_t kMx = 15;
inline constexpr uint16_t kTxt = 16;
inline constexpr uint16_t kAaaa = 28;
inline constexpr uint16_t kSrv = 33;
inline constexpr uint16_t kDname = 39;
inline constexpr uint16_t kOpt = 41;
inline constexpr uint16_t kSvcb = 64;
inline constexpr uint16_t kHttps = 65;
}  // namespace rrtype

constexpr bool IsAddressType(uint16_t type) { return type == rrtype::kA || type == rrtype::kAaaa; }

inline constexpr uint16_t kClassIn = 1;

namespace rcode {
inline constexpr uint16_t kNoError = 0;
inline constexpr uint16_t kFormErr = 1;
inline constexpr uint16_t kServFail = 2;
inline constexpr uint16_t kNxDomain = 3;
inline constexpr uint16_t kNotImp = 4;
inline constexpr uint16_t kRefused = 5;
inline constexpr uint16_t kBadVers = 16;  // RFC 6891 §9, needs an OPT record
// In the ledger alone: the client was left without a response. RFC 6895 §2.3 reserves the number.
inline constexpr uint16_t kNoResponse = 0xffff;
}  // namespace rcode

// Extended DNS Errors (RFC 8914 §4).
namespace ede {
inline constexpr int kNone = -1;
inline constexpr int kNotReady = 14;
inline constexpr int kBlocked = 15;
inline constexpr int kProhibited = 18;
inline constexpr int kNoReachableAuthority = 22;
inline constexpr int kNetworkError = 23;
}  // namespace ede

// The bits of a header (RFC 1035 §4.1.1, RFC 4035 §3.2.2).
inline constexpr uint16_t kFlagResponse = 0x8000;
inline constexpr uint16_t kFlagTruncated = 0x0200;
inline constexpr uint16_t kFlagRecursionDesired = 0x0100;
inline constexpr uint16_t kFlagRecursionAvailable = 0x0080;
inline constexpr uint16_t kFlagCheckingDisabled = 0x0010;

inline constexpr size_t kHeaderSize = 12;
// What fits through every path without fragments (DNS flag day 2020); we offer it and use no more.
inline constexpr size_t kUdpPayload = 1232;
// What a client without EDNS can take over UDP (RFC 1035 §4.2.1).
inline constexpr size_t kPlainUdpPayload = 512;

}  // namespace namegate::resolver
