#include "gate/enclave/channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/system_error.h"

namespace namegate::enclave {
namespace {

constexpr size_t kLongestText = 2'048;  // an error with its remedy

using OneDescriptor = std::array<char, CMSG_SPACE(sizeof(int))>;

}  // namespace

Result<std::pair<Channel, Channel>> Channel::MakePair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return SystemError("make a socket pair");
  }
  return std::pair(Channel(UniqueFd(ends[0])), Channel(UniqueFd(ends[1])));
}

Result<void> Channel::Send(const std::string& text, int fd) const {
  const size_t length = std::min(text.size(), kLongestText);
  iovec part{const_cast<char*>(text.data()), length};
  alignas(cmsghdr) OneDescriptor control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  if (sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0) {
    return SystemError("speak to the enclave's relay");
  }
  return {};
}

Result<Channel::Message> Channel::Receive() const {
  std::array<char, kLongestText> text{};
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) OneDescriptor control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = -1;
  do {
    got = recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return Error{"the enclave's relay ended before the command was started"};
  Message received{std::string(text.data(), static_cast<size_t>(got)), {}};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    received.fd.Reset(fd);
  }
  return received;
}

Result<UniqueFd> Channel::Expect(const std::string& text) const {
  auto message = Receive();
  if (!message) return message.error();
  if (message->text != text) return Error{message->text};
  return std::move(message->fd);
}

}  // namespace namegate::enclave
