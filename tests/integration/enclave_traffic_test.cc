// What goes through a connection, as far as both ends can tell.

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

// So many octets until the client's end, or the errno that ended it.
std::string ReadAll(int connection) {
  std::vector<char> buffer(65'536);
  size_t total = 0;
  for (;;) {
    const ssize_t got = recv(connection, buffer.data(), buffer.size(), 0);
    if (got < 0) return strerrorname_np(errno);
    if (got == 0) return std::to_string(total);
    total += static_cast<size_t>(got);
  }
}

// Waits until it is, and reads nothing.
bool Breaks(int connection) {
  pollfd broken{connection, 0, 0};
  poll(&broken, 1, 20'000);
  return (broken.revents & POLLERR) != 0;
}

// A server for one connection that says what it saw of it.
class Witness {
 public:
  using Look = std::function<std::string(int connection)>;
  explicit Witness(Look look)
      : server_(kHost, [this, look = std::move(look)](int connection) {
          seen_.set_value(look(connection));
        }) {}
  std::string port_text() const { return server_.port_text(); }
  std::string Seen() { return seen_.get_future().get(); }

 private:
  std::promise<std::string> seen_;
  TcpServer server_;
};

TEST_CASE_METHOD(EnclaveFixture, "A datagram that a program sent before it ended is sent on") {
  const UdpEcho echo(kHost);
  Run({"0.0.0.0/0:1-65535/udp"}, {Sandboxee("send_udp"), kHost, echo.port_text()});
  CHECK(Rows("protocol, verdict") == "udp|allow\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A far end that does not read holds the sender up") {
  std::promise<void> go_on;
  Witness witness([&](int connection) {
    go_on.get_future().wait();
    return ReadAll(connection);
  });
  Process command(
      RunWords({kEverywhere}, ConnectedPython("s.setblocking(False); sent = 0\n"
                                              "while select.select([], [s], [], 0.5)[1]:\n"
                                              "    sent += s.send(b'x' * 65536)\n"
                                              "    if sent > 100_000_000: break\n"
                                              "print('sent', sent, flush=True)\n",
                                              witness.port_text())));
  CHECK(command.WaitForOutput("sent "));
  go_on.set_value();
  const std::string sent = command.Wait().out;
  CHECK(sent == "sent " + witness.Seen() + "\n");
  CHECK(sent.size() < std::string("sent 100000000\n").size());
}

TEST_CASE_METHOD(EnclaveFixture, "The relay rests while nothing can be moved either way") {
  Witness witness([](int connection) {
    send(connection, "x", 1, 0);
    return Breaks(connection) ? "broken" : "open";
  });
  Process command(
      RunWords({kEverywhere}, ConnectedPython("s.recv(1); s.setblocking(False)\n"
                                              "while select.select([], [s], [], 0.5)[1]:\n"
                                              "    s.send(b'x' * 65536)\n"
                                              "print('full', flush=True); signal.pause()\n",
                                              witness.port_text())));
  CHECK(command.WaitForOutput("full"));
  CHECK(ComesToRest(RelayOf(command)));
}

TEST_CASE_METHOD(EnclaveFixture, "What a program sent before it ended arrives, however much") {
  // More than the far end's buffers hold, so that much is on its way when the program ends.
  Witness witness(ReadAll);
  Run({kEverywhere}, ConnectedPython("s.sendall(b'x' * 30_000_000)\n", witness.port_text()));
  CHECK(witness.Seen() == "30000000");
}

TEST_CASE_METHOD(EnclaveFixture, "What goes out and comes back is as it was, in both families") {
  constexpr char kThereAndBack[] =
      "import os, socket, sys, threading\n"
      "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
      "data = os.urandom(20_000_000)\n"
      "def send(): s.sendall(data); s.shutdown(socket.SHUT_WR)\n"
      "threading.Thread(target=send).start()\n"
      "back = bytearray()\n"
      "while piece := s.recv(1 << 20): back += piece\n"
      "print(back == data)\n";
  for (const char* host : {kHost, kHost6}) {
    const TcpServer server(host, Echo);
    CHECK(
        Run({kEverywhere, kEverywhere6}, {"python3", "-c", kThereAndBack, host, server.port_text()})
            .out == "True\n");
  }
}

// Prints the device's IFLA_GSO_IPV4_MAX_SIZE (rtnetlink(7)), or nothing if it has none.
constexpr char kPrintSegmentSize[] =
    "import socket, struct, sys\n"
    "s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\n"
    "index = socket.if_nametoindex(sys.argv[1])\n"
    "s.send(struct.pack('=IHHIIBxHiII', 32, 18, 1, 0, 0, 0, 0, index, 0, 0))\n"
    "answer = s.recv(65536)\n"
    "at = 32\n"
    "while at < len(answer):\n"
    "    length, kind = struct.unpack_from('=HH', answer, at)\n"
    "    if kind == 63: print(struct.unpack_from('=I', answer, at + 4)[0])\n"
    "    at += (length + 3) & ~3\n";

TEST_CASE_METHOD(EnclaveFixture, "The command's device takes more at a time than a packet holds") {
  const auto size = [&](const char* device) {
    return Run({}, {"python3", "-c", kPrintSegmentSize, device}).out;
  };
  const std::string own = size("lo");
  if (own.empty()) Skip("the kernel is older than Linux 6.3");
  CHECK(own == "65536\n");
  CHECK(size("eth0") == "524280\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A connection does not pace itself on its way to the relay") {
  Witness witness(ReadAll);
  const Outcome outcome =
      Run({kEverywhere},
          ConnectedPython("print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16))\n",
                          witness.port_text()));
  CHECK_THAT(outcome.out, Contains("reno"));
  CHECK(witness.Seen() == "0");
}

TEST_CASE_METHOD(EnclaveFixture, "A connection that the program breaks is broken at the far end") {
  Witness witness(ReadAll);
  Run({kEverywhere},
      ConnectedPython("s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
                      "s.sendall(b'x'); s.close()\n",
                      witness.port_text()));
  CHECK(witness.Seen() == "ECONNRESET");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "What has ended its side can still be broken, and the far end knows") {
  Witness witness([](int connection) {
    const std::string read = ReadAll(connection);
    return read + (Breaks(connection) ? ", broken" : ", no more");
  });
  Run({kEverywhere},
      ConnectedPython("s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
                      "s.sendall(b'x'); s.shutdown(socket.SHUT_WR)\n"
                      "s.settimeout(0.5)\n"
                      "try: s.recv(1)\n"
                      "except TimeoutError: s.close()\n",
                      witness.port_text()));
  CHECK(witness.Seen() == "1, broken");
}

TEST_CASE_METHOD(EnclaveFixture, "The far end may end its side first, and still be sent to") {
  Witness witness([](int connection) {
    shutdown(connection, SHUT_WR);
    return ReadAll(connection);
  });
  const Outcome outcome =
      Run({kEverywhere},
          ConnectedPython("print(s.recv(9)); s.sendall(b'x' * 1000)\n", witness.port_text()));
  CHECK(outcome.out == "b''\n");
  CHECK(witness.Seen() == "1000");
}

TEST_CASE_METHOD(EnclaveFixture, "A far end that vanishes is found out: the relay keeps alive") {
  NeedPrograms({"ss"});
  std::promise<void> go_on;
  Witness witness([&](int connection) {
    go_on.get_future().wait();
    return ReadAll(connection);
  });
  Process command(RunWords({kEverywhere}, ConnectedPython("print('ready', flush=True)\n"
                                                          "s.recv(1)\n",
                                                          witness.port_text())));
  CHECK(command.WaitForOutput("ready"));
  const std::string sockets = testing::Run({"ss", "-tno", "dst", std::string(kHost), "and", "dport",
                                            "=", witness.port_text()})
                                  .out;
  CHECK_THAT(sockets, Contains("timer:(keepalive"));
  command.Signal(SIGTERM);
  go_on.set_value();
  witness.Seen();
}

TEST_CASE_METHOD(EnclaveFixture, "A name whose first address refuses is reached at its second") {
  const TcpServer server(kHost, Echo);
  const Words client = {
      "python3", "-c",
      "import socket, sys\n"
      "print(socket.create_connection(('two.example', int(sys.argv[1]))).getpeername()[0])\n",
      server.port_text()};
  const Outcome outcome = Run({"two.example:" + server.port_text()}, client);
  CHECK(outcome.out == "203.0.113.1\n");
  CHECK(Rows("name, address, verdict") ==
        "two.example|203.0.113.3|allow\ntwo.example|203.0.113.1|allow\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "A thousand connections of one event loop come about and are of use") {
  const TcpServer server(kHost, Echo);
  const Outcome outcome =
      Run({kEverywhere},
          {"python3", "-c",
           "import asyncio, resource, sys\n"
           "resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))\n"
           "async def one(number):\n"
           "    reader, writer = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))\n"
           "    writer.write(b'%04d' % number)\n"
           "    answer = await reader.readexactly(4)\n"
           "    writer.close()\n"
           "    return answer == b'%04d' % number\n"
           "async def main():\n"
           "    print(sum(await asyncio.gather(*(one(i) for i in range(1000)))))\n"
           "asyncio.run(main())\n",
           kHost, server.port_text()});
  INFO(outcome.err);
  CHECK(outcome.out == "1000\n");
  CHECK(Ask("SELECT count(*) FROM connections WHERE verdict = 'allow'") == "1000\n");
}

TEST_CASE_METHOD(EnclaveFixture, "Programs of one session talk over its own loopback") {
  const Outcome outcome =
      Run({}, {"sh", "-c",
               "python3 -c 'import socket\n"
               "s = socket.create_server((\"127.0.0.1\", 4321)); c, _ = s.accept()\n"
               "c.sendall(b\"hello\")' & "
               "python3 -c 'import socket\n"
               "while True:\n"
               "    try: s = socket.create_connection((\"127.0.0.1\", 4321)); break\n"
               "    except ConnectionRefusedError: pass\n"
               "print(s.recv(9))'; wait"});
  CHECK(outcome.out == "b'hello'\n");
  CHECK(Rows("*").empty());
}

}  // namespace
}  // namespace namegate::testing
