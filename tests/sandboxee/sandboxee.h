#pragma once

// What the tiny programs share: addresses from the command line, one line of output per call.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct Target {
  sockaddr_storage storage = {};
  socklen_t length = 0;

  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// A test that cannot even be tried; status 2.
[[noreturn]] inline void GiveUp(const char* why) {
  puts(why);
  exit(2);
}

inline Target MakeTarget(const char* address, const char* port) {
  Target target;
  const in_port_t number = htons(static_cast<uint16_t>(atoi(port)));
  sockaddr_in* v4 = reinterpret_cast<sockaddr_in*>(&target.storage);
  sockaddr_in6* v6 = reinterpret_cast<sockaddr_in6*>(&target.storage);
  if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = number;
    target.length = sizeof(*v4);
  } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = number;
    target.length = sizeof(*v6);
  } else {
    GiveUp("not an address");
  }
  return target;
}

// The i-th ADDRESS PORT pair of the command line.
inline Target ArgumentTarget(int argc, char** argv, int i = 0) {
  if (argc < 2 * i + 3) {
    GiveUp("ADDRESS PORT pairs are missing");
  }
  return MakeTarget(argv[2 * i + 1], argv[2 * i + 2]);
}

// "OK", or the name of errno, of a call that has just returned `result`.
inline const char* Name(long result) {
  if (result >= 0) return "OK";
  const char* name = strerrorname_np(errno);
  return name == nullptr ? "unknown" : name;
}

inline void Report(const char* call, long result) {
  printf("%s: %s\n", call, Name(result));
  static_cast<void>(fflush(stdout));
}

// A socket that must come into being for the test to mean anything.
inline int Socket(int family, int type, int protocol = 0) {
  const int fd = socket(family, type, protocol);
  if (fd < 0) {
    GiveUp("no socket");
  }
  return fd;
}
