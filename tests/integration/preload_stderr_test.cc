// What a denied program's user reads, and when there is nothing to be read.

#include <catch2/catch.hpp>

#include "tests/integration/preload_fixture.h"

namespace namegate::testing {
namespace {

Gated Denying(const std::string& message, bool quiet = false) {
  return Gated([=](const GateRequest&) { return std::optional(DenyReply(message, quiet)); });
}

std::vector<std::string> Target(const Loopback& server) { return {"127.0.0.1", server.port()}; }

TEST_CASE("A destination is told once per process, however often it is tried") {
  Gated gated([](const GateRequest& request) {
    return std::optional(DenyReply("no " + std::to_string(request.port)));
  });
  const Outcome outcome =
      gated.Run("connect_tcp", {"127.0.0.1", "1", "127.0.0.1", "2", "127.0.0.1", "1", "::1", "1",
                                "::ffff:127.0.0.1", "2", "0.0.0.0", "2"});
  CHECK(outcome.err == "namegate: no 1\nnamegate: no 2\nnamegate: no 1\n");
  CHECK(gated.asked().size() == 6);
}

TEST_CASE("More destinations than are remembered are all told") {
  const Gated gated = Denying("no");
  std::vector<std::string> arguments;
  for (int port = 1; port <= 2000; ++port) {
    arguments.insert(arguments.end(), {"127.0.0.1", std::to_string(port)});
  }
  const Outcome outcome = gated.Run("connect_tcp", arguments);
  CHECK(Count(outcome.err, "namegate: no\n") == 2000);
}

TEST_CASE("NAMEGATE_QUIET=1 silences the line, not the denial") {
  Loopback server(kTcp);
  Gated gated;
  const Outcome quiet = gated.Run("connect_tcp", Target(server), {{"NAMEGATE_QUIET", "1"}});
  CHECK(quiet.out == "connect: EACCES\n");
  CHECK(quiet.err.empty());
  CHECK(gated.asked().size() == 1);
  const Outcome not_quiet = gated.Run("connect_tcp", Target(server), {{"NAMEGATE_QUIET", "10"}});
  CHECK(not_quiet.err == "namegate: denied by the test\n");
}

TEST_CASE("A quiet reply denies without a line") {
  Loopback server(kUdp);
  const Outcome outcome = Denying("a probe", true).Run("send_udp", Target(server));
  CHECK(outcome.out == "sendto: EACCES\n");
  CHECK(outcome.err.empty());
}

TEST_CASE("A message cannot command the terminal") {
  Loopback server(kTcp);
  const Outcome outcome = Denying("a\x1b[2Jb\nc\rd\x7f\xc2\x9b").Run("connect_tcp", Target(server));
  CHECK(outcome.err == "namegate: a?[2Jb?c?d???\n");
}

TEST_CASE("A message that fills its field is told in full") {
  Loopback server(kTcp);
  const std::string longest(243, 'm');
  CHECK(Denying(longest).Run("connect_tcp", Target(server)).err == "namegate: " + longest + "\n");
}

TEST_CASE("A message without an end is told up to the end of its field") {
  Loopback server(kTcp);
  std::string reply = DenyReply("");
  reply.replace(offsetof(GateReply, message), 244, std::string(244, 'm'));
  const Gated gated([reply](const GateRequest&) { return std::optional(reply); });
  CHECK(gated.Run("connect_tcp", Target(server)).err ==
        "namegate: " + std::string(243, 'm') + "\n");
}

TEST_CASE("Without a message the line names the destination as a rule would") {
  const Gated gated = Denying("");
  const Outcome tcp =
      gated.Run("connect_tcp", {"192.0.2.7", "443", "2001:db8::1:0:0:1", "443", "::1", "1"});
  CHECK(tcp.err ==
        "namegate: denied 192.0.2.7:443 (reason 44)\n"
        "namegate: denied [2001:db8::1:0:0:1]:443 (reason 44)\n"
        "namegate: denied [::1]:1 (reason 44)\n");
  const Outcome udp = gated.Run("send_udp", {"198.51.100.1", "53", "2001:db8::", "53"});
  CHECK(udp.err ==
        "namegate: denied 198.51.100.1:53/udp (reason 44)\n"
        "namegate: denied [2001:db8::]:53/udp (reason 44)\n");
}

TEST_CASE("A standard error that is closed, broken or full neither kills nor blocks the program") {
  Loopback server(kTcp);
  Gated gated;
  for (const char* mode : {"closed", "broken", "full"}) {
    CAPTURE(mode);
    CHECK(gated.Run("stderr_hostile", {"127.0.0.1", server.port(), mode}).out ==
          "connect: EACCES\n");
  }
}

TEST_CASE("A line never goes into a network connection that happens to be descriptor 2") {
  Loopback denied(kTcp);
  Loopback log(kTcp);
  Gated gated({log.number()});
  CHECK(
      gated.Run("stderr_hostile", {"127.0.0.1", denied.port(), "network", "127.0.0.1", log.port()})
          .out == "stderr: OK\nconnect: EACCES\n");
  CHECK(log.ReadAll().empty());
}

}  // namespace
}  // namespace namegate::testing
