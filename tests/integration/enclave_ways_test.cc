// Every way that a program may try to get past the gate: none of them puts a packet on the network
// outside, and each is in the ledger.

#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/integration/enclave_capture.h"
#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Catch::Contains;
using Hosts = std::set<std::string>;

constexpr int kKilledBySigsys = 128 + 31;

// A way to reach a host that no rule allows.
struct Way {
  const char* what;
  Words command;
  const char* recorded;  // protocol and address of the rows that there must be
};

// The port is of no importance, and another for each.
std::vector<Way> Ways() {
  const std::string metadata = "169.254.169.254";
  const std::string mapped = std::string("::ffff:") + kOther;
  const std::string python_ctypes =
      "import ctypes, socket, struct, sys\n"
      "libc = ctypes.CDLL('libc.so.6', use_errno=True)\n"
      "address = struct.pack('!HH4s8x', 0x200, 441, socket.inet_aton(sys.argv[1]))\n"
      "s = socket.socket()\n"
      "print(libc.connect(s.fileno(), address, 16))\n";
  return {
      {"connect()", {Sandboxee("connect_tcp"), kOther, "401"}, "tcp|203.0.113.2"},
      {"connect() over IPv6", {Sandboxee("connect_tcp"), kHost6, "402"}, "tcp|2001:db8:1::1"},
      {"a v4-mapped address", {Sandboxee("connect_tcp"), mapped, "403"}, "tcp|203.0.113.2"},
      {"the metadata address", {Sandboxee("connect_tcp"), metadata, "80"}, "tcp|169.254.169.254"},
      {"DNS over TLS", {Sandboxee("connect_tcp"), kOther, "853"}, "tcp|203.0.113.2"},
      {"a static program", {Sandboxee("enclave_static"), kOther, "405"}, "tcp|203.0.113.2"},
      {"a child", {Sandboxee("connect_fork"), kOther, "406"}, "tcp|203.0.113.2"},
      {"a child of vfork", {Sandboxee("connect_vfork"), kOther, "407"}, "tcp|203.0.113.2"},
      {"a signal handler", {Sandboxee("connect_signal_handler"), kOther, "408"}, "tcp|203.0.113.2"},
      {"an empty environment",
       {Sandboxee("scrubbed_environment"), kOther, "410"},
       "tcp|203.0.113.2"},
      {"no LD_PRELOAD",
       {"env", "-u", "LD_PRELOAD", Sandboxee("connect_tcp"), kOther, "411"},
       "tcp|203.0.113.2"},
      {"a second C library", {Sandboxee("enclave_dlmopen"), kOther, "412"}, "tcp|203.0.113.2"},
      {"ctypes", {"python3", "-c", python_ctypes, kOther}, "tcp|203.0.113.2"},
      {"TCP Fast Open", {Sandboxee("fastopen"), kOther, "413"}, "tcp|203.0.113.2"},
      {"Multipath TCP", {Sandboxee("enclave_mptcp"), kOther, "414"}, "tcp|203.0.113.2"},
      {"sendto()", {Sandboxee("send_udp"), kOther, "415"}, "udp|203.0.113.2"},
      {"sendmsg()", {Sandboxee("sendmsg_udp"), kOther, "416"}, "udp|203.0.113.2"},
      {"sendmmsg()", {Sandboxee("sendmmsg_udp"), kOther, "417"}, "udp|203.0.113.2"},
      {"addresses in odd forms", {Sandboxee("address_forms"), kOther, "419"}, "udp|203.0.113.2"},
      {"system calls by number", {Sandboxee("raw_syscall"), kOther, "404"}, "udp|203.0.113.2"},
      {"send() on a connected socket",
       {Sandboxee("enclave_datagrams"), kOther, "418"},
       "udp|203.0.113.2"},
      {"a program in Go",
       {"hey", "-n", "1", "-c", "1", std::string("http://") + kOther + ":420/"},
       "tcp|203.0.113.2"},
      {"curl", {"curl", "-s", std::string("http://") + kOther + ":421/"}, "tcp|203.0.113.2"},
  };
}

TEST_CASE_METHOD(EnclaveFixture, "No way to connect or send leads past the gateway unrecorded") {
  Capture capture;
  Run({}, {"true"});  // makes the ledger
  // One session after another: each gets a row at least, and nothing is seen outside.
  for (const Way& way : Ways()) {
    if (!HaveProgram(way.command.front())) {
      WARN("not tried, for want of the program: " << way.what);
      continue;
    }
    INFO(way.what);
    const std::string before = Ask("SELECT coalesce(max(id), 0) FROM connections");
    const Outcome outcome = Run({}, way.command);
    INFO(outcome.out << outcome.err);
    CHECK(capture.Seen() == Hosts());
    CHECK_THAT(Ask("SELECT protocol || '|' || address FROM connections WHERE verdict = 'deny' "
                   "AND id > " +
                   before + " ORDER BY id"),
               Contains(way.recorded));
    CHECK(Ask("SELECT count(*) FROM connections WHERE verdict = 'allow' AND reason <> 'nameserver' "
              "AND id > " +
              before) == "0\n");
  }
}

// Everything is allowed, and a packet has a route of its own to `host`.
void CheckRefusal(const EnclaveFixture& fixture, const std::string& host) {
  const TcpServer server(host, Echo);
  Capture capture;
  const Outcome outcome =
      fixture.Run({kEverywhere, kEverywhere6, "0.0.0.0/0:1-65535/udp", "[::]/0:1-65535/udp"},
                  {Sandboxee("enclave_options"), host, server.port_text()});
  CHECK(outcome.out == "connect: ECONNREFUSED\nsend: OK\nrecv: ECONNREFUSED\n");
  CHECK(capture.Seen() == Hosts());
  CHECK(fixture.Rows("protocol, address, verdict, reason") ==
        "tcp|" + host + "|deny|socket-option\nudp|" + host + "|deny|socket-option\n");
}

TEST_CASE_METHOD(EnclaveFixture, "An IPv4 source route is refused at once, and recorded") {
  NeedRoot("ask for a source route");
  CheckRefusal(*this, kHost);
}

TEST_CASE_METHOD(EnclaveFixture, "An IPv6 routing header is refused at once, and recorded") {
  CheckRefusal(*this, kHost6);
}

TEST_CASE_METHOD(EnclaveFixture, "The capture sees what is let through") {
  const TcpServer server(kHost, Echo);
  Capture capture;
  Run({kEverywhere}, {Sandboxee("enclave_static"), kHost, server.port_text()});
  CHECK(capture.Seen() == Hosts{kHost});
}

TEST_CASE_METHOD(EnclaveFixture, "System calls of another architecture end the program") {
  CHECK(Run({}, {Sandboxee("enclave_int80")}).status == kKilledBySigsys);
  // Where the kernel can run it at all.
  const std::string i386 = Sandboxee("enclave_i386");
  if (access(i386.c_str(), X_OK) != 0 || testing::Run({i386}).status != 0) return;
  CHECK(Run({}, {i386}).status == kKilledBySigsys);
}

TEST_CASE_METHOD(EnclaveFixture, "No ping comes back, whoever is asked") {
  Capture capture;
  const Outcome outcome = Run({kEverywhere}, {Sandboxee("enclave_ping"), kHost, "1"});
  const std::string raw = geteuid() == 0 ? "no answer" : "EPERM";
  CHECK(outcome.out == "raw: " + raw + "\ndatagram: EACCES\n");
  CHECK(capture.Seen() == Hosts());
}

TEST_CASE_METHOD(EnclaveFixture, "A network namespace of the command's own leads nowhere") {
  const TcpServer server(kHost, Echo);
  Capture capture;
  const Outcome outcome = Run({}, {Sandboxee("enclave_unshare"), kHost, server.port_text()});
  CHECK_THAT(outcome.out, !Contains("connect: OK"));
  CHECK_THAT(outcome.out, Contains("connect: EACCES"));
  CHECK(capture.Seen() == Hosts());
}

TEST_CASE_METHOD(EnclaveFixture, "Packets that no kernel would send go nowhere, and do no harm") {
  NeedRoot("open a packet socket, inside too,");
  const TcpServer server(kHost, Echo);
  Capture capture;
  const Outcome outcome = Run({}, {"sh", "-c",
                                   Sandboxee("enclave_packets") + " " + kOther + " 443; exec " +
                                       Sandboxee("enclave_static") + " " + kOther + " 443"});
  CHECK_THAT(outcome.out, Contains("odd packets, and noise"));
  CHECK_THAT(outcome.out, Contains("connect: ECONNREFUSED"));  // it still serves
  CHECK(capture.Seen() == Hosts());
}

TEST_CASE_METHOD(EnclaveFixture, "No packet reaches the host's loopback, whatever is allowed") {
  NeedRoot("open a packet socket, inside too,");
  const TcpServer server("127.0.0.1", Echo);
  const TcpServer allowed(kHost, Echo);
  const std::string packets = Sandboxee("enclave_packets") + " " + kOther + " 443 127.0.0.1 " +
                              server.port_text() + " 0.0.0.0 " + server.port_text();
  // The last connection comes after all that the packets could lead to.
  const Outcome outcome =
      Run({kEverywhere, kEverywhere + "/udp"}, {"sh", "-c",
                                                packets + "; exec " + Sandboxee("enclave_static") +
                                                    " " + kHost + " " + allowed.port_text()});
  CHECK_THAT(outcome.out, Contains("connect: OK"));
  CHECK(server.accepted() == 0);
  CHECK(Ask("SELECT count(*) FROM connections WHERE address IN ('127.0.0.1', '0.0.0.0')") == "0\n");
}

}  // namespace
}  // namespace namegate::testing
