#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/endpoint.h"
#include "common/unique_fd.h"
#include "tests/crash/observations.h"

namespace namegate::testing {

// Stands between stub resolvers and one name server, over UDP and TCP, and keeps every whole
// message that comes from the server before it passes it on. The server may come and go.
//
// Each client endpoint has a socket of its own towards the server, so that the server sees as many
// clients as there are; `SeenResponse::client` is that socket's endpoint.
class CapturingProxy {
 public:
  CapturingProxy(const Endpoint& server, Observations& observations);
  CapturingProxy(const CapturingProxy&) = delete;
  CapturingProxy& operator=(const CapturingProxy&) = delete;
  ~CapturingProxy();

  // Where clients ask.
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  struct UdpFlow {
    Endpoint client;
    UniqueFd server;
    std::string name;  // of `server`'s own end
  };
  struct TcpFlow {
    UniqueFd client;
    UniqueFd server;
    std::string name;
    Bytes received;  // from the server, what is not a whole message yet
  };

  void Serve();
  void TakeQuery();
  void TakeResponses(UdpFlow& flow);
  void Accept();
  // False when either end has closed.
  bool Relay(TcpFlow& flow, bool from_client, bool from_server);
  void KeepMessages(TcpFlow& flow);
  UniqueFd ConnectToServer(int type, std::string& name) const;

  const Endpoint server_;
  Observations& observations_;
  Endpoint endpoint_;
  UniqueFd udp_;
  UniqueFd listener_;
  UniqueFd stop_;
  // The thread's alone.
  std::map<Endpoint, UdpFlow> udp_flows_;
  std::vector<std::unique_ptr<TcpFlow>> tcp_flows_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace namegate::testing
