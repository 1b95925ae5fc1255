#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/endpoint.h"
#include "common/unique_fd.h"

namespace namegate::testing {

// A little internet: the test process and all that it starts get a network namespace in which
// public-looking addresses are this host's, and nothing leads further.
//
//   203.0.113.1 to .9, 2001:db8:1::1   hosts that are there
//   198.51.100.0/24                    no host answers: EHOSTUNREACH
//   all else                           no route: ENETUNREACH
//
// A SYN is sent again once, so that what never answers is ETIMEDOUT after three seconds.
//
// Called first by every test of the enclave. Ends the process as a skipped test, with the reason,
// if namespaces cannot be made here.
void EnterInternet();

// A TCP server whose connections are served by `serve` in a thread each.
class TcpServer {
 public:
  using Serve = std::function<void(int connection)>;
  TcpServer(const std::string& address, Serve serve);
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;
  ~TcpServer();

  uint16_t port() const { return port_; }
  std::string port_text() const { return std::to_string(port_); }
  int accepted() const { return accepted_; }

 private:
  void Run();

  Serve serve_;
  uint16_t port_ = 0;
  UniqueFd listener_;
  UniqueFd stop_;
  std::atomic<int> accepted_ = 0;
  std::vector<std::thread> serving_;
  std::thread thread_;
};

// Sends everything back, and ends its side when the client has.
void Echo(int connection);
// Waits for the first octet, then breaks the connection.
void Break(int connection);

// Sends every datagram back.
class UdpEcho {
 public:
  explicit UdpEcho(const std::string& address);
  UdpEcho(const UdpEcho&) = delete;
  UdpEcho& operator=(const UdpEcho&) = delete;
  ~UdpEcho();
  std::string port_text() const { return std::to_string(port_); }

 private:
  uint16_t port_ = 0;
  UniqueFd socket_;
  UniqueFd stop_;
  std::thread thread_;
};

// A port of the address on which nothing listens.
std::string ClosedPort(const std::string& address);

}  // namespace namegate::testing
