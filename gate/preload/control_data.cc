#include "gate/preload/control_data.h"

#include <errno.h>
#include <netinet/in.h>

#include "gate/preload/bytes.h"
#include "gate/preload/gate.h"

namespace namegate::preload {
namespace {

constexpr int kSctpDestinationV4 = 7;  // SCTP_DSTADDRV4
constexpr int kSctpDestinationV6 = 8;  // SCTP_DSTADDRV6

bool RoutesAround(const cmsghdr& header) {
  if (header.cmsg_level == SOL_IP) return header.cmsg_type == IP_RETOPTS;
  if (header.cmsg_level == SOL_IPV6) {
    return header.cmsg_type == IPV6_RTHDR || header.cmsg_type == IPV6_2292RTHDR;
  }
  if (header.cmsg_level == kSctp) {
    return header.cmsg_type == kSctpDestinationV4 || header.cmsg_type == kSctpDestinationV6;
  }
  return false;
}

// 0 if all of it is harmless; -EINVAL where a header does not fit, as the kernel would say.
long Inspect(const unsigned char* control, size_t size) {
  size_t at = 0;
  while (size - at >= sizeof(cmsghdr)) {
    cmsghdr header;
    TakeCopy(&header, control + at, sizeof(header));
    if (header.cmsg_len < sizeof(header) || header.cmsg_len > size - at) return -EINVAL;
    if (RoutesAround(header)) return RefuseSourceRoute();
    const size_t step = CMSG_ALIGN(header.cmsg_len);
    if (step >= size - at) break;
    at += step;
  }
  return 0;
}

}  // namespace

long ControlData::Check(int fd, msghdr& message) {
  if (message.msg_controllen == 0) return 0;
  const long domain = SocketDomain(fd);
  if (domain < 0) return domain;
  if (domain != AF_INET && domain != AF_INET6) return 0;
  if (message.msg_control == nullptr) return -EFAULT;
  if (message.msg_controllen > sizeof(copy_)) return RefuseSourceRoute();
  TakeCopy(copy_, message.msg_control, message.msg_controllen);
  message.msg_control = copy_;
  return Inspect(copy_, message.msg_controllen);
}

}  // namespace namegate::preload
