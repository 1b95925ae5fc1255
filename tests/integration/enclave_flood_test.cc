// A command that floods its gateway: bounded memory, bounded rows, and others are not held up.

#include <signal.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <thread>

#include "tests/integration/enclave_capture.h"
#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

// The most memory that a process has had, in kB.
long PeakOf(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  }
  return -1;
}

TEST_CASE_METHOD(EnclaveFixture, "A scan of all ports is refused in few rows, and others go on") {
  NeedRoot("write SYNs to a raw socket");
  const TcpServer server(kHost, Echo);
  Process other(
      RunWords({kEverywhere}, {"sh", "-c",
                               "echo ready; read line; exec " + Sandboxee("enclave_static") + " " +
                                   kHost + " " + server.port_text()}));
  Capture capture;
  // Its own next attempt is behind all these; so it is as patient as outside of tests.
  Process flood(RunWords(
      {}, {"sh", "-c",
           "echo 6 > /proc/sys/net/ipv4/tcp_syn_retries; " + Sandboxee("enclave_flood") + " " +
               kOther + " 1; exec " + Sandboxee("enclave_static") + " " + kOther + " 443"}));
  CHECK(flood.WaitForOutput("sent 131070", std::chrono::seconds(60)));
  const Outcome meanwhile =
      Run({kEverywhere}, {Sandboxee("enclave_static"), kHost, server.port_text()});
  CHECK(meanwhile.out == "connect: OK\n");
  CHECK(PeakOf(DaemonOf()) < 500'000);
  CHECK_THAT(flood.Wait().out, Contains("connect: ECONNREFUSED"));
  CHECK(other.Wait().out == "ready\nconnect: OK\n");
  CHECK(capture.Seen() == std::set<std::string>{kHost});
  const std::string of_flood = "FROM connections WHERE verdict = 'deny'";
  CHECK(std::stol(Ask("SELECT sum(count) " + of_flood)) > 1'000);
  // A thousand in a second may have a row each; the others share rows.
  CHECK(Ask("SELECT count(*) <= 1000 * (2 + (max(time_us) - min(time_us)) / 1000000) " +
            of_flood) == "1\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A flood of connect() is refused to the last, and counted") {
  const Outcome outcome =
      Run({}, {"env", "-u", "LD_PRELOAD", Sandboxee("enclave_many"), kOther, "443", "2000"});
  CHECK(outcome.out == "connected 0, failed 2000\n");
  CHECK(Ask("SELECT sum(count) FROM connections WHERE verdict = 'deny'") == "2000\n");
}

TEST_CASE_METHOD(EnclaveFixture, "What is sent again while the relay is behind counts once") {
  const std::string go = directory().File("go");
  Process command(RunWords(
      {}, {"sh", "-c",
           "echo ready; until test -e " + go + "; do sleep 0.02; done; exec env -u LD_PRELOAD " +
               Sandboxee("enclave_many") + " " + kOther + " 443 2000"}));
  REQUIRE(command.WaitForOutput("ready"));
  const pid_t relay = RelayOf(command);
  REQUIRE(relay > 0);
  kill(relay, SIGSTOP);
  std::ofstream(go) << "x";
  // The kernel sends a SYN again after a second.
  std::this_thread::sleep_for(std::chrono::milliseconds(1700));
  kill(relay, SIGCONT);
  CHECK(command.Wait().out == "ready\nconnected 0, failed 2000\n");
  CHECK(Ask("SELECT sum(count) FROM connections WHERE verdict = 'deny'") == "2000\n");
}

TEST_CASE_METHOD(EnclaveFixture, "A SYN whose refusal was lost is refused again, and counts once") {
  NeedRoot("write SYNs to a raw socket");
  // No socket here waits for the answers, so the kernel sends nothing of its own.
  const Outcome outcome =
      Run({}, {"python3", "-c",
               "import socket, struct, sys\n"
               "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)\n"
               "s.settimeout(20)\n"
               "for sequence in 7, 7, 8:\n"
               "  s.sendto(struct.pack('!HHIIBBHHH', 4660, 443, sequence, 0, 0x50, 2, 0, 0, 0), "
               "(sys.argv[1], 0))\n"
               "  packet = s.recv(100)\n"
               "  print(struct.unpack('!HHIIBB', packet[20:34]))\n",
               kOther});
  // RST and ACK, with the sequence number that was expected.
  const std::string refused = "(443, 4660, 0, 8, 80, 20)\n";
  CHECK(outcome.out == refused + refused + "(443, 4660, 0, 9, 80, 20)\n");
  CHECK(Ask("SELECT sum(count) FROM connections WHERE verdict = 'deny'") == "2\n");
}

TEST_CASE_METHOD(EnclaveFixture,
                 "What waits for a verdict takes little memory, however much is sent") {
  const UdpEcho echo(kHost);
  // What AddressSanitizer keeps of what was freed is not what the relay holds.
  Process command(Words{"env", "ASAN_OPTIONS=verify_asan_link_order=0:quarantine_size_mb=4"} +
                  RunWords({"0.0.0.0/0:1-65535/udp"}, {Sandboxee("enclave_fill"), kHost,
                                                       echo.port_text(), directory().path()}));
  REQUIRE(command.WaitForOutput("open: OK"));
  const pid_t daemon = DaemonOf();
  REQUIRE(daemon > 0);
  kill(daemon, SIGSTOP);
  std::ofstream(directory().File("go")) << "x";
  CHECK(command.WaitForOutput("sent: OK", std::chrono::seconds(60)));
  const long peak = PeakOf(RelayOf(command));
  kill(daemon, SIGCONT);
  CHECK(peak > 0);
  CHECK(peak < 100'000);
}

}  // namespace
}  // namespace namegate::testing
