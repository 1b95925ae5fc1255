#include "gate/preload/destination.h"

#include <errno.h>
#include <netinet/in.h>

#include "gate/preload/bytes.h"

namespace namegate::preload {
namespace {

// RFC 2133 had no scope id; the kernel still takes addresses of that length.
constexpr int kOldestInet6Length = 24;

DestinationKind KindOf(int family, int length) {
  if (length < static_cast<int>(sizeof(sa_family_t))) return DestinationKind::kTooShort;
  switch (family) {
    case AF_INET:
      return length < static_cast<int>(sizeof(sockaddr_in)) ? DestinationKind::kTooShort
                                                            : DestinationKind::kInternet;
    case AF_INET6:
      return length < kOldestInet6Length ? DestinationKind::kTooShort : DestinationKind::kInternet;
    case AF_UNIX:
    case AF_NETLINK:
      return DestinationKind::kLocal;
    case AF_UNSPEC:
      return DestinationKind::kUnspecified;
    default:
      return DestinationKind::kForeign;
  }
}

bool IsV4Mapped(const uint8_t* address) {
  for (int i = 0; i < 10; ++i) {
    if (address[i] != 0) return false;
  }
  return address[10] == 0xff && address[11] == 0xff;
}

bool IsZero(const uint8_t* address, int size) {
  for (int i = 0; i < size; ++i) {
    if (address[i] != 0) return false;
  }
  return true;
}

}  // namespace

long Destination::Take(const void* address, long length) {
  if (length < 0 || length > static_cast<long>(sizeof(storage_))) return -EINVAL;
  if (address == nullptr && length > 0) return -EFAULT;
  TakeCopy(&storage_, address, static_cast<size_t>(length));
  length_ = static_cast<int>(length);
  kind_ = KindOf(storage_.ss_family, length_);
  if (kind_ == DestinationKind::kTooShort) Blank();
  if (kind_ == DestinationKind::kInternet) Canonicalise();
  return 0;
}

void Destination::Drop() { *this = Destination(); }

void Destination::Blank() {
  const sa_family_t family = storage_.ss_family;
  storage_ = {};
  storage_.ss_family = family;
}

void Destination::ReadUnspecifiedAsInet() {
  storage_.ss_family = AF_INET;
  kind_ = KindOf(AF_INET, length_);
  if (kind_ == DestinationKind::kTooShort) Blank();
  if (kind_ == DestinationKind::kInternet) Canonicalise();
}

// "Any address" as a destination means this host. The copy says so in so many words, so that the
// kernel goes where the verdict was for and not to whatever address the socket is bound to.
void Destination::Canonicalise() {
  uint8_t* bytes = reinterpret_cast<uint8_t*>(&storage_);
  constexpr int kV4Offset = offsetof(sockaddr_in, sin_addr);
  constexpr int kV6Offset = offsetof(sockaddr_in6, sin6_addr);
  if (storage_.ss_family == AF_INET6 && !IsV4Mapped(bytes + kV6Offset)) {
    if (IsZero(bytes + kV6Offset, 16)) bytes[kV6Offset + 15] = 1;
    return;
  }
  uint8_t* v4 = bytes + (storage_.ss_family == AF_INET ? kV4Offset : kV6Offset + 12);
  if (!IsZero(v4, 4)) return;
  v4[0] = 127;
  v4[3] = 1;
}

void Destination::Describe(GateRequest& request) const {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&storage_);
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  const uint8_t* port = bytes + offsetof(sockaddr_in, sin_port);
  request.port = static_cast<uint16_t>(port[0] << 8 | port[1]);
  const uint8_t* v6 = bytes + offsetof(sockaddr_in6, sin6_addr);
  if (storage_.ss_family == AF_INET6 && !IsV4Mapped(v6)) {
    request.family = 6;
    TakeCopy(request.address, v6, 16);
    return;
  }
  request.family = 4;
  const uint8_t* v4 =
      storage_.ss_family == AF_INET ? bytes + offsetof(sockaddr_in, sin_addr) : v6 + 12;
  TakeCopy(request.address, v4, 4);
}

}  // namespace namegate::preload
