// ADDRESS PORT: a SYN to each of ADDRESS's ports from PORT on, written to a raw socket (as root),
// twice over.

#include "tests/sandboxee/sandboxee.h"

namespace {

void Put16(unsigned char* at, unsigned value) {
  at[0] = static_cast<unsigned char>(value >> 8);
  at[1] = static_cast<unsigned char>(value);
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  const auto* to = reinterpret_cast<const sockaddr_in*>(&target.storage);
  const int fd = Socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  // The kernel fills in the IP header's source, identification and checksum. The TCP checksum is
  // left out, as where a device is to compute it.
  unsigned char packet[40] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, IPPROTO_TCP};
  memcpy(packet + 16, &to->sin_addr, 4);
  packet[32] = 5 << 4;
  packet[33] = 2;
  int sent = 0;
  for (int round = 0; round < 2; ++round) {
    for (unsigned port = ntohs(to->sin_port); port < 65'536; ++port) {
      Put16(packet + 20, 1'024 + (port + static_cast<unsigned>(round)) % 60'000);
      Put16(packet + 22, port);
      if (sendto(fd, packet, sizeof packet, 0, target.address(), target.length) > 0) ++sent;
    }
  }
  printf("sent %d\n", sent);
  return 0;
}
