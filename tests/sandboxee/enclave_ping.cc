// Pings ADDRESS (PORT is not used) by a raw socket and by a datagram socket, and waits a moment for
// an answer: "answered", or the errno.

#include <netinet/ip_icmp.h>
#include <sys/time.h>

#include "tests/sandboxee/sandboxee.h"

namespace {

unsigned short Checksum(const unsigned char* octets, size_t size) {
  unsigned sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2)
    sum += static_cast<unsigned>(octets[i] << 8 | octets[i + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return htons(static_cast<unsigned short>(~sum));
}

void Ping(const char* what, const Target& target, int type) {
  const int fd = socket(AF_INET, type, IPPROTO_ICMP);
  if (fd < 0) return Report(what, fd);
  const timeval patience = {0, 200'000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  icmphdr request = {};
  request.type = ICMP_ECHO;
  request.checksum = Checksum(reinterpret_cast<unsigned char*>(&request), sizeof request);
  if (connect(fd, target.address(), target.length) != 0 ||
      send(fd, &request, sizeof request, 0) < 0) {
    return Report(what, -1);
  }
  char answer[256];
  const ssize_t got = recv(fd, answer, sizeof answer, 0);
  // A raw socket sees errors too; what counts is an answer by the address itself.
  const size_t at = type == SOCK_RAW ? 20 : 0;
  const bool answered = got > static_cast<ssize_t>(at) && answer[at] == ICMP_ECHOREPLY;
  printf("%s: %s\n", what, answered ? "answered" : "no answer");
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = ArgumentTarget(argc, argv);
  Ping("raw", target, SOCK_RAW);
  Ping("datagram", target, SOCK_DGRAM);
  return 0;
}
