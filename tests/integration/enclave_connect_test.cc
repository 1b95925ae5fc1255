// connect() and what follows it, through the gateway.

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

TEST_CASE_METHOD(EnclaveFixture,
                 "A static program without libc's connect is let through and held back") {
  const TcpServer allowed(kHost, Echo);
  const TcpServer denied(kOther, Echo);
  const Outcome outcome =
      Run({std::string(kHost) + ":" + allowed.port_text()},
          {Sandboxee("enclave_static"), kHost, allowed.port_text(), kOther, denied.port_text()});
  CHECK(outcome.out == "connect: OK\nconnect: ECONNREFUSED\n");
  CHECK(denied.accepted() == 0);
  CHECK(Rows("gate, protocol, address, port, verdict") ==
        "enclave|tcp|203.0.113.1|" + allowed.port_text() + "|allow\n" + "enclave|tcp|203.0.113.2|" +
            denied.port_text() + "|deny\n");
}

TEST_CASE_METHOD(EnclaveFixture, "Port 0 is refused at once inside as outside, and recorded") {
  const Words client = {Sandboxee("enclave_static"), kHost, "0", kHost6, "0"};
  const Outcome bare = testing::Run(client);
  CHECK(bare.out == "connect: ECONNREFUSED\nconnect: ECONNREFUSED\n");
  CHECK(Run({kEverywhere, kEverywhere6}, client).out == bare.out);
  CHECK(Rows("address, port, verdict") == "203.0.113.1|0|deny\n2001:db8:1::1|0|deny\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A port that is open for one host is not open for another") {
  const TcpServer server(kHost, Echo);
  const std::string port = server.port_text();
  const Outcome outcome =
      Run({std::string(kHost) + ":" + port},
          {Sandboxee("enclave_static"), kHost, port, kOther, port, kHost, port});
  CHECK(outcome.out == "connect: OK\nconnect: ECONNREFUSED\nconnect: OK\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A row names the process that connected, and its program") {
  const TcpServer server(kHost, Echo);
  const UdpEcho echo(kHost);
  const Outcome outcome =
      Run({kEverywhere, "0.0.0.0/0:1-65535/udp"},
          {"sh", "-c",
           "echo $$; exec python3 -c 'import socket, sys\n"
           "socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
           "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
           "s.sendto(b\"x\", (sys.argv[1], int(sys.argv[3]))); s.recv(9)' " +
               std::string(kHost) + " " + server.port_text() + " " + echo.port_text()});
  std::string pid = outcome.out;
  std::erase(pid, '\n');
  CHECK(Rows("pid, process") == pid + "|python3\n" + pid + "|python3\n");
}

TEST_CASE_METHOD(EnclaveFixture, "connect() gives inside what it gives outside") {
  const TcpServer v4(kHost, Echo);
  const TcpServer v6(kHost6, Echo);
  const Words client = {Sandboxee("connect_tcp"),
                        kHost,
                        v4.port_text(),
                        kHost6,
                        v6.port_text(),
                        std::string("::ffff:") + kHost,
                        v4.port_text(),
                        kHost,
                        ClosedPort(kHost),
                        kHost6,
                        ClosedPort(kHost6),
                        "198.51.100.1",
                        "443",
                        "8.8.4.4",
                        "443",
                        "2001:db8:2::1",
                        "443"};
  const Outcome bare = testing::Run(client);
  CHECK_THAT(bare.out, Contains("OK") && Contains("ECONNREFUSED") && Contains("EHOSTUNREACH") &&
                           Contains("ENETUNREACH"));
  CHECK(Run({kEverywhere, kEverywhere6}, client).out == bare.out);
}

TEST_CASE_METHOD(EnclaveFixture,
                 "All that a program can learn of a connection is as it is outside") {
  // Blocking, non-blocking, watched by epoll from before or after, with TCP Fast Open.
  const TcpServer v4(kHost, Echo);
  const TcpServer v6(kHost6, Echo);
  const Words client = {Sandboxee("enclave_exact"),
                        kHost,
                        v4.port_text(),
                        std::string("::ffff:") + kHost,
                        v4.port_text(),
                        kHost6,
                        v6.port_text(),
                        kHost,
                        ClosedPort(kHost),
                        std::string("::ffff:") + kHost,
                        ClosedPort(kHost),
                        kHost6,
                        ClosedPort(kHost6)};
  const Outcome bare = testing::Run(client);
  CHECK_THAT(bare.out, Contains("octet: x") && Contains("SO_ERROR: ECONNREFUSED"));
  CHECK(Run({kEverywhere, kEverywhere6}, client).out == bare.out);
}

TEST_CASE_METHOD(EnclaveFixture,
                 "A non-blocking connect, watched before it starts, tells the same story") {
  const TcpServer server(kHost, Echo);
  const Words client = {Sandboxee("enclave_many"), kHost, server.port_text(), "1000"};
  CHECK(testing::Run(client).out == "connected 1000, failed 0\n");
  CHECK(Run({kEverywhere}, client).out == "connected 1000, failed 0\n");
  const Words refused = {Sandboxee("enclave_many"), kHost, ClosedPort(kHost), "50"};
  CHECK(Run({kEverywhere}, refused).out == testing::Run(refused).out);
}

TEST_CASE_METHOD(EnclaveFixture, "A server that answers no SYN is ETIMEDOUT inside as outside") {
  // A full backlog drops every SYN.
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  socklen_t length = IpAddress::FromText(kHost)->ToSockaddr(0, &storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  REQUIRE(bind(listener.get(), address, length) == 0);
  REQUIRE(listen(listener.get(), 0) == 0);
  REQUIRE(getsockname(listener.get(), address, &length) == 0);
  const UniqueFd filler(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(connect(filler.get(), address, length) == 0);
  const std::string port =
      std::to_string(ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port));
  const Words client = {Sandboxee("connect_tcp"), kHost, port};
  CHECK(testing::Run(client).out == "connect: ETIMEDOUT\n");
  CHECK(Run({kEverywhere}, client).out == "connect: ETIMEDOUT\n");
  CHECK(Rows("verdict") == "allow\n");
}

TEST_CASE_METHOD(EnclaveFixture, "Bytes, half-closes and back-pressure go through") {
  const TcpServer v4(kHost, Echo);
  const TcpServer v6(kHost6, Echo);
  const auto exchange = [&](const char* host, const TcpServer& server) {
    return Run({kEverywhere, kEverywhere6},
               {Sandboxee("enclave_exchange"), host, server.port_text(), "20000000"})
        .out;
  };
  CHECK(exchange(kHost, v4) == "connect: OK\nsent 20000000, received 20000000, intact\n");
  CHECK(exchange(kHost6, v6) == "connect: OK\nsent 20000000, received 20000000, intact\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A connection that the far end breaks is broken inside") {
  const TcpServer server(kHost, Break);
  const Outcome outcome =
      Run({kEverywhere}, {Sandboxee("enclave_exchange"), kHost, server.port_text(), "1"});
  CHECK_THAT(outcome.out, Contains("connect: OK\nrecv: ECONNRESET\n"));
}

TEST_CASE_METHOD(EnclaveFixture,
                 "Datagrams go to what a UDP rule names; the rest is refused at once") {
  const UdpEcho v4(kHost);
  const UdpEcho v6(kHost6);
  const UdpEcho denied(kOther);
  const Outcome outcome =
      Run({std::string(kHost) + ":1-65535/udp", std::string("[") + kHost6 + "]:1-65535/udp"},
          {Sandboxee("enclave_datagrams"), kHost, v4.port_text(), kHost6, v6.port_text(), kOther,
           denied.port_text(), kHost, "9"});
  CHECK(outcome.out == "recv: OK\nping\nrecv: OK\nping\nconnect: EACCES\nrecv: ECONNREFUSED\n");
  CHECK(Rows("gate, protocol, address, verdict") ==
        "preload|udp|203.0.113.1|allow\npreload|udp|2001:db8:1::1|allow\n"
        "preload|udp|203.0.113.2|deny\npreload|udp|203.0.113.1|allow\n");
}

}  // namespace
}  // namespace namegate::testing
