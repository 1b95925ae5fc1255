#pragma once

#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace namegate::enclave {

// Between launcher, relay and the child that becomes the command: short texts, with at most one
// descriptor each, over a SOCK_SEQPACKET pair. Blocking.
class Channel {
 public:
  Channel() = default;
  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}
  // Both ends.
  static Result<std::pair<Channel, Channel>> MakePair();

  struct Message {
    std::string text;
    UniqueFd fd;
  };
  Result<void> Send(const std::string& text, int fd = -1) const;
  // An error if the other side has gone.
  Result<Message> Receive() const;
  // Receive(), and an error unless it is this text; the other side's text is then the error.
  Result<UniqueFd> Expect(const std::string& text) const;

  int fd() const { return socket_.get(); }
  void Close() { socket_.Reset(); }

 private:
  UniqueFd socket_;
};

}  // namespace namegate::enclave
