#include "gate/preload/line.h"

#include <errno.h>
#include <netinet/in.h>

namespace namegate::preload {
namespace {

struct NamedErrno {
  int code;
  const char* name;
};

constexpr NamedErrno kErrnoNames[] = {
    {EACCES, "EACCES"},         {EPERM, "EPERM"},
    {ENOENT, "ENOENT"},         {EMFILE, "EMFILE"},
    {ENFILE, "ENFILE"},         {ENOMEM, "ENOMEM"},
    {ENOTDIR, "ENOTDIR"},       {ECONNREFUSED, "ECONNREFUSED"},
    {ECONNRESET, "ECONNRESET"}, {EPIPE, "EPIPE"},
    {EAGAIN, "EAGAIN"},         {ETIMEDOUT, "ETIMEDOUT"},
    {EPROTOTYPE, "EPROTOTYPE"}, {ENOBUFS, "ENOBUFS"},
    {EBADF, "EBADF"},
};

struct Run {
  int start;
  int length;
};

uint16_t Group(const uint8_t* address, int i) {
  const uint8_t* group = address + i + i;
  return static_cast<uint16_t>(group[0] << 8 | group[1]);
}

// The longest run of zero groups, the first of equals; RFC 5952 §4.2: a single group is not one.
Run LongestZeros(const uint8_t* address) {
  Run best = {-1, 1};
  for (int i = 0; i < 8; ++i) {
    int length = 0;
    while (i + length < 8 && Group(address, i + length) == 0) ++length;
    if (length > best.length) best = {i, length};
  }
  return best;
}

}  // namespace

void Line::Add(char c) {
  if (size_ < kLimit) text_[size_++] = c;
}

Line& Line::Text(const char* text) {
  while (*text != '\0') Add(*text++);
  return *this;
}

Line& Line::Printable(const char* text) {
  for (; *text != '\0'; ++text) Add(*text >= 0x20 && *text < 0x7f ? *text : '?');
  return *this;
}

Line& Line::Number(unsigned long number, unsigned base) {
  char digits[20];  // 2^64 has 20 decimal digits
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number != 0);
  while (count > 0) Add(digits[--count]);
  return *this;
}

void Line::Inet6(const uint8_t* address) {
  const Run zeros = LongestZeros(address);
  for (int i = 0; i < 8; ++i) {
    if (i == zeros.start) {
      Text("::");
      i += zeros.length - 1;
      continue;
    }
    if (i != 0 && i != zeros.start + zeros.length) Add(':');
    Number(Group(address, i), 16);
  }
}

Line& Line::Destination(const GateRequest& request) {
  if (request.family == 6) {
    Text("[").Inet6(request.address);
    Text("]");
  } else {
    for (int i = 0; i < 4; ++i) Text(i == 0 ? "" : ".").Number(request.address[i]);
  }
  Text(":").Number(request.port);
  if (request.protocol == IPPROTO_TCP) return *this;
  if (request.protocol == IPPROTO_UDP) return Text("/udp");
  return Text("/protocol ").Number(request.protocol);
}

Line& Line::ErrnoName(int code) {
  for (const NamedErrno& named : kErrnoNames) {
    if (named.code == code) return Text(named.name);
  }
  return Text("errno ").Number(static_cast<unsigned long>(code));
}

const char* Line::Finish() {
  text_[size_++] = '\n';
  return text_;
}

}  // namespace namegate::preload
