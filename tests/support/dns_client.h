#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/endpoint.h"
#include "common/unique_fd.h"
#include "tests/support/dns_packet.h"

namespace namegate::testing {

// How long a test waits for what must come: long enough for a loaded machine with sanitizers.
inline constexpr std::chrono::seconds kPatience{20};
// How long it waits for what must not come.
inline constexpr std::chrono::milliseconds kSilence{300};

// A stub resolver's UDP socket, connected to one server. Sends and receives are separate, so that
// a test can ask much before it listens.
class UdpClient {
 public:
  // `source` gives the client an address of its own, such as 127.0.0.9.
  explicit UdpClient(const Endpoint& server, const std::optional<IpAddress>& source = std::nullopt);

  void Send(const Bytes& message) const;
  // The next datagram as it came; nothing if none came within `limit`.
  std::optional<Bytes> ReceiveRaw(std::chrono::milliseconds limit = kPatience) const;
  // The same, read by ldns; nothing too if it is no DNS message.
  std::optional<Reply> Receive(std::chrono::milliseconds limit = kPatience) const;

 private:
  UniqueFd socket_;
};

// A TCP connection to a DNS server (RFC 7766).
class TcpClient {
 public:
  explicit TcpClient(const Endpoint& server, const std::optional<IpAddress>& source = std::nullopt);

  bool connected() const { return connected_; }
  // With the length in front.
  void Send(const Bytes& message) const;
  // Octets as they are. False if the server has closed the connection.
  bool SendRaw(const Bytes& octets) const;
  // Nothing if no whole message came within `limit` or the server closed the connection.
  std::optional<Reply> Receive(std::chrono::milliseconds limit = kPatience);
  // True if the server closes the connection within `limit`; what it sends before is dropped.
  bool ClosedWithin(std::chrono::milliseconds limit);
  // No more queries will come; answers still may.
  void FinishSending() const;

 private:
  bool Fill(std::chrono::milliseconds limit);

  UniqueFd socket_;
  bool connected_ = false;
  Bytes received_;
};

// One question, one answer. A reply that does not come is a failure of the test and throws.
Reply Ask(const Endpoint& server, const std::string& name, const std::string& type = "A",
          const QueryOptions& options = {});
Reply AskTcp(const Endpoint& server, const std::string& name, const std::string& type = "A",
             const QueryOptions& options = {});

}  // namespace namegate::testing
