// Names inside the enclave: every DNS client asks the session's resolver.

#include <catch2/catch.hpp>

#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

constexpr char kOwnDnsClient[] = R"(
import socket, struct, sys
def name(text): return b''.join(bytes([len(l)]) + l.encode() for l in text.split('.')) + b'\0'
def ask(text, server, kind):
    query = struct.pack('>6H', 7, 0x100, 1, 0, 0, 0) + name(text) + struct.pack('>2H', 1, 1)
    family = socket.AF_INET6 if ':' in server else socket.AF_INET
    s = socket.socket(family, kind)
    s.settimeout(20)
    s.connect((server, 53))
    if kind == socket.SOCK_DGRAM:
        s.send(query)
        reply = s.recv(4096)
    else:
        s.sendall(struct.pack('>H', len(query)) + query)
        reply = s.recv(4096)[2:]
    rcode = reply[3] & 15
    print(text, rcode, socket.inet_ntoa(reply[-4:]) if rcode == 0 else '-')
for server in '8.8.8.8', '2001:db8:53::1':
    for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
        ask('a.example', server, kind)
        ask('b.example', server, kind)
)";

TEST_CASE_METHOD(EnclaveFixture,
                 "A program's own DNS client, whomever it asks, asks our resolver") {
  const Outcome outcome = Run({"a.example:80"}, {"python3", "-c", kOwnDnsClient});
  std::string expected;
  for (int i = 0; i < 4; ++i) expected += "a.example 0 203.0.113.1\nb.example 3 -\n";
  CHECK(outcome.out == expected);
  CHECK(Rows("*").empty());
  std::string recorded;
  for (const char* transport : {"udp", "tcp", "udp", "tcp"}) {
    recorded += std::string(transport) + "|a.example|A|allow\n" + transport + "|b.example|A|deny\n";
  }
  CHECK(Ask("SELECT transport, qname, qtype, verdict FROM queries ORDER BY id") == recorded);
}

TEST_CASE_METHOD(EnclaveFixture, "The network inside looks like one, for IPv4 and IPv6") {
  // AI_ADDRCONFIG leaves out the addresses of a family that the host has none of.
  const Outcome outcome =
      Run({"a.example:80"},
          {"python3", "-c",
           "import socket\n"
           "for family in socket.AF_INET, socket.AF_INET6:\n"
           "    found = socket.getaddrinfo('a.example', 80, family, socket.SOCK_STREAM, 0,\n"
           "                               socket.AI_ADDRCONFIG)\n"
           "    print(found[0][4][0])\n"
           "print(sorted(name for _, name in socket.if_nameindex()))\n"
           "print([l.split()[:3] for l in open('/proc/net/route')][1])\n"});
  INFO(outcome.err);
  CHECK(outcome.out ==
        "203.0.113.1\n2001:db8:1::1\n['eth0', 'lo']\n['eth0', '00000000', '0100400A']\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "A name resolves, and its address can be connected to on its port alone") {
  const TcpServer server("203.0.113.1", Echo);
  const Outcome outcome = Run({"a.example:" + server.port_text()},
                              {"python3", "-c",
                               "import socket, sys\n"
                               "s = socket.create_connection(('a.example', int(sys.argv[1])))\n"
                               "s.sendall(b'hello'); s.shutdown(1); print(s.makefile().read())\n"
                               "try: socket.create_connection(('a.example', 9))\n"
                               "except OSError as e: print(e.errno)\n",
                               server.port_text()});
  CHECK(outcome.out == "hello\n13\n");
  CHECK_THAT(Rows("name, verdict, reason"), Contains("a.example|allow|lease"));
}

}  // namespace
}  // namespace namegate::testing
