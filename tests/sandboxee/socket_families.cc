// Sockets of all sorts; no arguments.

#include <linux/if_ether.h>

#include "tests/sandboxee/sandboxee.h"

int main() {
  Report("AF_UNIX", socket(AF_UNIX, SOCK_STREAM, 0));
  Report("AF_NETLINK", socket(AF_NETLINK, SOCK_RAW, 0));
  Report("TCP", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  Report("UDP over IPv6", socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
  Report("AF_VSOCK", socket(AF_VSOCK, SOCK_STREAM, 0));
  Report("AF_PACKET", socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
  Report("AF_ALG", socket(AF_ALG, SOCK_SEQPACKET, 0));
  Report("raw", socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
  Report("raw over IPv6", socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  Report("SOCK_PACKET", socket(AF_INET, SOCK_PACKET, htons(ETH_P_ALL)));
  Report("SCTP", socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
  Report("SCTP messages", socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP));
  return 0;
}
