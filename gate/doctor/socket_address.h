#pragma once

#include <sys/socket.h>

#include "gate/doctor/probe.h"

namespace namegate::doctor {

// A target as system calls take it.
class SocketAddress {
 public:
  explicit SocketAddress(const Target& target)
      : length_(target.address.ToSockaddr(target.port, &storage_)) {}

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace namegate::doctor
