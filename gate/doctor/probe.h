#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/ip_address.h"

namespace namegate::doctor {

// What a probe tries to reach.
struct Target {
  IpAddress address;
  uint16_t port = 0;
  std::string socket;  // a Unix socket; '@' in front: an abstract name
  int inherited = -1;  // a socket that doctor has connected to the canary
  int kept = -1;       // another, of that number in doctor alone
  pid_t outside = 0;   // doctor itself
};

// Tries to reach the target in one way; what the system said, such as "OK" or "ECONNREFUSED". Runs
// in a process of its own, which may be killed for it.
using Attempt = std::string (*)(const Target& target);

// The kind of server that sees whether a probe got through.
enum class CanaryKind : uint8_t { kTcp, kUdp, kIcmp, kUnix, kVsock };

// What the ledger has of an attempt that was held back. kOption: an option was asked for that no
// program gets, before there was a destination.
enum class Row : uint8_t { kNone, kConnection, kOption, kQuery };

// One way round a gate. The enclave promises to hold them all.
struct Probe {
  std::string_view name;
  std::string_view what;
  CanaryKind canary;
  std::string_view place;  // the canary's address, or its Unix socket below doctor's directory
  uint16_t port;           // 0: any
  Row enclave_row;
  bool preload_holds;  // false: that gate is cooperative, and does not promise to
  Row preload_row;
  Attempt attempt;
};

std::span<const Probe> Probes();

// The name that a probe with a DNS client of its own asks for.
std::string QnameOf(std::string_view probe);

// "OK", or the name of errno, of a call that has just returned `result`.
std::string Said(long result);

// The ways by one file each. Over TCP:
std::string TryConnect(const Target& target);
std::string TryMapped(const Target& target);
std::string TryFastOpen(const Target& target);
std::string TryMultipath(const Target& target);
std::string TrySourceRoute(const Target& target);
std::string TryRoutingHeader(const Target& target);
std::string TrySyscall(const Target& target);
std::string TryDnsOverTcp(const Target& target);
// Over UDP:
std::string TrySendto(const Target& target);
std::string TrySendmsg(const Target& target);
std::string TrySendmmsg(const Target& target);
std::string TryConnectedSend(const Target& target);
std::string TryDnsOverUdp(const Target& target);
// Past the C library:
std::string TryRawCalls(const Target& target);
std::string TryOtherAbi(const Target& target);
std::string TryIoUring(const Target& target);
std::string TrySecondHandle(const Target& target);
std::string TryScrubbed(const Target& target);
// Past the network namespace:
std::string TryUserNamespace(const Target& target);
std::string TryOutsideNamespace(const Target& target);
std::string TryInherited(const Target& target);
std::string TryKept(const Target& target);
std::string TryPacket(const Target& target);
std::string TryPing(const Target& target);
std::string TryVsock(const Target& target);
std::string TryUnix(const Target& target);
std::string TryUncovered(const Target& target);

}  // namespace namegate::doctor
