// Makes a socket by the system call gate of another architecture (i386), whose numbers a filter for
// this one would misread.

#include "tests/sandboxee/sandboxee.h"

int main() {
  constexpr int kSocket = 359;  // i386's
  long result = kSocket;
  asm volatile("int $0x80"
               : "+a"(result)
               : "b"(AF_INET), "c"(SOCK_STREAM), "d"(0)
               : "memory", "r8", "r9", "r10", "r11");
  printf("socket: %s\n", result >= 0 ? "OK" : "refused");
  return 0;
}
