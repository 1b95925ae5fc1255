// ADDRESS PORT: once it has an answer from there, and "go" exists in the directory of the third
// argument, sends large datagrams to the same port of 500 other hosts, over and over. Linked
// statically, so that no library asks first.

#include <sys/stat.h>
#include <sys/time.h>

#include <string>

#include "tests/sandboxee/sandboxee.h"

namespace {

// What comes back was sent after all that went before was taken.
void Exchange(int fd) {
  char answer[9];
  if (send(fd, "x", 1, 0) < 0 || recv(fd, answer, sizeof answer, 0) < 0) GiveUp("no answer");
}

}  // namespace

int main(int argc, char** argv) {
  const Target near = ArgumentTarget(argc, argv);
  const std::string go = argc > 3 ? std::string(argv[3]) + "/go" : "";
  const int answered = Socket(AF_INET, SOCK_DGRAM);
  const timeval patience = {20, 0};
  setsockopt(answered, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(answered, near.address(), near.length) != 0) GiveUp("connect");
  Exchange(answered);
  Report("open", 0);
  struct stat there;
  while (stat(go.c_str(), &there) != 0) Exchange(answered);
  const int fd = Socket(AF_INET, SOCK_DGRAM);
  static char large[60'000];
  for (int round = 0; round < 16; ++round) {
    for (int host = 0; host < 500; ++host) {
      const std::string to =
          "198.51." + std::to_string(host / 250) + "." + std::to_string(host % 250 + 1);
      const Target far = MakeTarget(to.c_str(), argv[2]);
      sendto(fd, large, sizeof large, 0, far.address(), far.length);
      if (host % 8 == 0) Exchange(answered);
    }
  }
  Report("sent", 0);
  pause();
  return 0;
}
