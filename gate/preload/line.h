#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/gate_protocol.h"

namespace namegate::preload {

// One line of text in a buffer of its own; what does not fit is cut off.
class Line {
 public:
  Line& Text(const char* text);
  // Bytes that are not printable ASCII come out as '?': the other end chooses this text, and a
  // terminal would obey it.
  Line& Printable(const char* text);
  Line& Number(unsigned long number, unsigned base = 10);
  // "192.0.2.7:443", "[2001:db8::1]:53/udp": as in a rule.
  Line& Destination(const GateRequest& request);
  // "ECONNREFUSED", or "errno 123" for one that a socket call seldom gives.
  Line& ErrnoName(int code);

  // The line with its newline.
  const char* Finish();
  size_t size() const { return size_; }

 private:
  void Add(char c);
  void Inet6(const uint8_t* address);

  static constexpr size_t kLimit = 480;
  char text_[kLimit + 1];
  size_t size_ = 0;
};

}  // namespace namegate::preload
