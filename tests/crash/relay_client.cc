#include "tests/crash/relay_client.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>

#include "common/ip_address.h"

namespace namegate::testing {
namespace {

constexpr timeval kReplyPatience{3, 0};

RelayMessage MessageOf(RelayOperation operation, int64_t id) {
  RelayMessage message{};
  message.magic = kRelayMagic;
  message.version = kRelayVersion;
  message.size = sizeof message;
  message.operation = static_cast<uint8_t>(operation);
  message.id = id;
  return message;
}

}  // namespace

RelayClient::RelayClient(const std::string& path)
    : socket_(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  path.copy(to.sun_path, sizeof to.sun_path - 1);
  if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    socket_.Reset();
  }
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &kReplyPatience, sizeof kReplyPatience);
}

void RelayClient::Ask(int64_t id, const std::string& address, uint16_t port) {
  RelayMessage message = MessageOf(RelayOperation::kAsk, id);
  message.family = 4;
  message.protocol = IPPROTO_TCP;
  message.port = port;
  const auto octets = IpAddress::FromText(address).value();
  std::ranges::copy(octets.octets(), message.address);
  Send(message);
}

void RelayClient::Tell(RelayOperation operation, int64_t connection) {
  RelayMessage message = MessageOf(operation, connection);
  message.ending = static_cast<uint8_t>(Ending::kClosed);
  message.bytes_out = 1'000;
  message.bytes_in = 2'000;
  Send(message);
}

std::optional<RelayReply> RelayClient::Receive() {
  RelayReply reply{};
  if (recv(socket_.get(), &reply, sizeof reply, 0) != sizeof reply) return std::nullopt;
  return reply;
}

void RelayClient::Send(const RelayMessage& message) {
  // Whether anybody is there shows in Receive().
  (void)send(socket_.get(), &message, sizeof message, MSG_NOSIGNAL);
}

}  // namespace namegate::testing
