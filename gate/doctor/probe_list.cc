#include <array>

#include "gate/doctor/probe.h"

namespace namegate::doctor {
namespace {

constexpr char kHost[] = "203.0.113.1";
constexpr char kResolver[] = "8.8.8.8";
constexpr char kLoopback[] = "127.0.0.1";
constexpr bool kHeld = true;
constexpr bool kCooperative = false;

// What is held on the sandbox's own loopback never comes to the gateway, and what a filter or a
// missing file refuses is no attempt to connect: there is no row of these.
constexpr auto kProbes = std::to_array<Probe>({
    {"connect", "connect() to an address that nobody answered", CanaryKind::kTcp, kHost, 0,
     Row::kConnection, kHeld, Row::kConnection, TryConnect},
    {"ipv6", "connect() over IPv6", CanaryKind::kTcp, "2001:db8:1::1", 0, Row::kConnection, kHeld,
     Row::kConnection, TryConnect},
    {"v4-mapped", "an IPv4 address in an IPv6 one", CanaryKind::kTcp, kHost, 0, Row::kConnection,
     kHeld, Row::kConnection, TryMapped},
    {"metadata", "the cloud's metadata address", CanaryKind::kTcp, "169.254.169.254", 80,
     Row::kConnection, kHeld, Row::kConnection, TryConnect},
    {"loopback", "the host's loopback", CanaryKind::kTcp, kLoopback, 0, Row::kNone, kHeld,
     Row::kConnection, TryConnect},
    {"unspecified", "the host's loopback as 0.0.0.0", CanaryKind::kTcp, "0.0.0.0", 0, Row::kNone,
     kHeld, Row::kConnection, TryConnect},
    {"fast-open", "TCP Fast Open", CanaryKind::kTcp, kHost, 0, Row::kConnection, kHeld,
     Row::kConnection, TryFastOpen},
    {"multipath", "Multipath TCP", CanaryKind::kTcp, kHost, 0, Row::kConnection, kHeld,
     Row::kConnection, TryMultipath},
    {"source-route", "a source route of its own", CanaryKind::kTcp, kHost, 0, Row::kConnection,
     kHeld, Row::kOption, TrySourceRoute},
    {"routing-header", "an IPv6 routing header", CanaryKind::kTcp, "2001:db8:1::1", 0,
     Row::kConnection, kHeld, Row::kOption, TryRoutingHeader},
    {"sendto", "sendto()", CanaryKind::kUdp, kHost, 0, Row::kConnection, kHeld, Row::kConnection,
     TrySendto},
    {"sendmsg", "sendmsg()", CanaryKind::kUdp, kHost, 0, Row::kConnection, kHeld, Row::kConnection,
     TrySendmsg},
    {"sendmmsg", "sendmmsg()", CanaryKind::kUdp, kHost, 0, Row::kConnection, kHeld,
     Row::kConnection, TrySendmmsg},
    {"connected-send", "send() on a connected datagram socket", CanaryKind::kUdp, kHost, 0,
     Row::kConnection, kHeld, Row::kConnection, TryConnectedSend},
    {"dns-udp", "a DNS client of its own that asks 8.8.8.8", CanaryKind::kUdp, kResolver, 53,
     Row::kQuery, kHeld, Row::kConnection, TryDnsOverUdp},
    {"dns-tcp", "the same over TCP", CanaryKind::kTcp, kResolver, 53, Row::kQuery, kHeld,
     Row::kConnection, TryDnsOverTcp},
    {"syscall", "syscall() by number", CanaryKind::kTcp, kHost, 0, Row::kConnection, kHeld,
     Row::kConnection, TrySyscall},
    {"static", "inline system calls (static programs)", CanaryKind::kTcp, kHost, 0,
     Row::kConnection, kCooperative, Row::kConnection, TryRawCalls},
    {"other-abi", "system calls of 32-bit programs", CanaryKind::kTcp, kHost, 0, Row::kNone,
     kCooperative, Row::kConnection, TryOtherAbi},
    {"io-uring", "io_uring", CanaryKind::kTcp, kHost, 0, Row::kNone, kCooperative, Row::kNone,
     TryIoUring},
    {"second-handle", "libc's own connect() (ctypes, dlopen)", CanaryKind::kTcp, kHost, 0,
     Row::kConnection, kCooperative, Row::kConnection, TrySecondHandle},
    {"scrubbed", "LD_PRELOAD taken away", CanaryKind::kTcp, kHost, 0, Row::kConnection,
     kCooperative, Row::kConnection, TryScrubbed},
    {"user-namespace", "from a user namespace of its own", CanaryKind::kTcp, kHost, 0,
     Row::kConnection, kHeld, Row::kConnection, TryUserNamespace},
    {"outside", "the network namespace of a process outside", CanaryKind::kTcp, kLoopback, 0,
     Row::kNone, kHeld, Row::kConnection, TryOutsideNamespace},
    {"inherited", "a connected socket that was left open", CanaryKind::kUdp, kHost, 0, Row::kNone,
     kCooperative, Row::kNone, TryInherited},
    {"kept", "a socket taken out of a process outside (as a debugger may)", CanaryKind::kUdp, kHost,
     0, Row::kNone, kCooperative, Row::kNone, TryKept},
    {"packet", "a packet written to the device (AF_PACKET)", CanaryKind::kUdp, kHost, 0,
     Row::kConnection, kHeld, Row::kNone, TryPacket},
    {"packet-loopback", "the same to the host's loopback", CanaryKind::kUdp, kLoopback, 0,
     Row::kNone, kHeld, Row::kNone, TryPacket},
    {"ping", "ICMP by a raw socket", CanaryKind::kIcmp, kHost, 0, Row::kNone, kHeld, Row::kNone,
     TryPing},
    {"vsock", "AF_VSOCK, which knows no network namespaces", CanaryKind::kVsock, "", 0, Row::kNone,
     kHeld, Row::kNone, TryVsock},
    {"abstract", "an abstract Unix socket of the host", CanaryKind::kUnix, "@", 0, Row::kNone,
     kCooperative, Row::kNone, TryUnix},
    {"agent", "the user's key agent (SSH_AUTH_SOCK)", CanaryKind::kUnix, "/agent", 0, Row::kNone,
     kCooperative, Row::kNone, TryUnix},
    {"state", "Namegate's own sockets", CanaryKind::kUnix, "/state/doctor", 0, Row::kNone,
     kCooperative, Row::kNone, TryUnix},
    {"uncovered", "the same, once what hides them has come off", CanaryKind::kUnix,
     "/state/uncovered", 0, Row::kNone, kCooperative, Row::kNone, TryUncovered},
});

}  // namespace

std::span<const Probe> Probes() { return kProbes; }

std::string QnameOf(std::string_view probe) {
  return std::string(probe) + ".namegate-doctor.example";
}

}  // namespace namegate::doctor
