// Ways to send datagrams.

#include <sys/socket.h>

#include "common/unique_fd.h"
#include "gate/doctor/dns_question.h"
#include "gate/doctor/probe.h"
#include "gate/doctor/socket_address.h"

namespace namegate::doctor {
namespace {

// A message of one octet.
class Message {
 public:
  explicit Message(const SocketAddress& to) {
    header_.msg_name = const_cast<sockaddr*>(to.get());
    header_.msg_namelen = to.length();
    header_.msg_iov = &part_;
    header_.msg_iovlen = 1;
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  const msghdr& header() const { return header_; }

 private:
  char octet_ = 'x';
  iovec part_{&octet_, 1};
  msghdr header_{};
};

UniqueFd DatagramSocket(const SocketAddress& to) {
  return UniqueFd(socket(to.family(), SOCK_DGRAM, 0));
}

std::string Send(const Target& target, const std::string& text) {
  const SocketAddress to(target);
  const UniqueFd socket = DatagramSocket(to);
  if (!socket) return Said(-1);
  return Said(sendto(socket.get(), text.data(), text.size(), 0, to.get(), to.length()));
}

}  // namespace

std::string TrySendto(const Target& target) { return Send(target, "x"); }

std::string TryDnsOverUdp(const Target& target) {
  return Send(target, DnsQuestion(QnameOf("dns-udp")));
}

std::string TrySendmsg(const Target& target) {
  const SocketAddress to(target);
  const UniqueFd socket = DatagramSocket(to);
  if (!socket) return Said(-1);
  const Message message(to);
  return Said(sendmsg(socket.get(), &message.header(), 0));
}

std::string TrySendmmsg(const Target& target) {
  const SocketAddress to(target);
  const UniqueFd socket = DatagramSocket(to);
  if (!socket) return Said(-1);
  const Message message(to);
  mmsghdr one{message.header(), 0};
  return Said(sendmmsg(socket.get(), &one, 1, 0));
}

std::string TryConnectedSend(const Target& target) {
  const SocketAddress to(target);
  const UniqueFd socket = DatagramSocket(to);
  if (!socket || connect(socket.get(), to.get(), to.length()) != 0) return Said(-1);
  return Said(send(socket.get(), "x", 1, 0));
}

}  // namespace namegate::doctor
