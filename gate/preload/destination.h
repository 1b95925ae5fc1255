#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "common/gate_protocol.h"

namespace namegate::preload {

enum class DestinationKind {
  kNone,         // there is no address
  kLocal,        // AF_UNIX, AF_NETLINK: leads nowhere that a rule could speak of
  kUnspecified,  // AF_UNSPEC
  kTooShort,     // the kernel refuses it
  kInternet,     // IPv4 or IPv6: to be asked about
  kForeign,      // any other family: denied
};

// A copy of the address that the program gave, in the form that is judged and then given to the
// kernel. It is never read from the program's memory a second time.
class Destination {
 public:
  Destination() = default;

  // Copies `length` bytes. -EFAULT or -EINVAL where the kernel would say so, else 0.
  long Take(const void* address, long length);

  DestinationKind kind() const { return kind_; }
  int family() const { return storage_.ss_family; }
  const void* data() const { return kind_ == DestinationKind::kNone ? nullptr : &storage_; }
  int length() const { return length_; }

  // A send on a connected stream has a destination that the kernel ignores; without it, it can
  // ignore nothing else.
  void Drop();
  // sendto() on an IPv4 socket takes AF_UNSPEC for AF_INET.
  void ReadUnspecifiedAsInet();

  // Writes family, address and port of a kInternet destination.
  void Describe(GateRequest& request) const;

 private:
  void Canonicalise();
  // What the kernel will not use is blank, so that no protocol can read an address into it after
  // all.
  void Blank();

  sockaddr_storage storage_ = {};
  int length_ = 0;
  DestinationKind kind_ = DestinationKind::kNone;
};

}  // namespace namegate::preload
