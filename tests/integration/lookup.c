/* lookup NAME: the addresses that the C library finds for it, one a line; 1 if it finds none.
 * Linked statically with musl, whose stub resolver asks for both address types at once and takes
 * the first NXDOMAIN for the end. */

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char** argv) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo* found = NULL;
  const int code = argc == 2 ? getaddrinfo(argv[1], NULL, &hints, &found) : EAI_NONAME;
  if (code != 0) {
    printf("%s\n", gai_strerror(code));
    return 1;
  }
  for (const struct addrinfo* entry = found; entry != NULL; entry = entry->ai_next) {
    char text[NI_MAXHOST];
    getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    printf("%s\n", text);
  }
  freeaddrinfo(found);
  return 0;
}
