// libnamegate.so where programs are at their most delicate: before main(), after fork, in signal
// handlers, in many threads; and with gate services of every bad kind.

#include <catch2/catch.hpp>
#include <chrono>

#include "tests/integration/preload_fixture.h"

namespace namegate::testing {
namespace {

using Lines = std::vector<std::string>;

TEST_CASE("The gate says hello when it is loaded, even into a program that never connects") {
  Gated gated;
  CHECK(gated.RunProgram({"true"}).status == 0);
  CHECK(gated.service().WaitForHello());
  CHECK(gated.asked().empty());
}

TEST_CASE("A constructor of the program meets the gate") {
  Loopback allowed(kTcp);
  Loopback denied(kTcp);
  Gated gated({allowed.number()});
  CHECK(gated.Run("before_main", {"127.0.0.1", allowed.port()}).out == "constructor: OK\nmain\n");
  CHECK(gated.Run("before_main", {"127.0.0.1", denied.port()}).out ==
        "constructor: EACCES\nmain\n");
  CHECK(denied.Arrived() == 0);
}

// Runs a program with other libraries preloaded beside the gate.
Outcome RunWithLibraries(const Gated& gated, const std::string& libraries, const Loopback& server,
                         bool keep_environment) {
  std::map<std::string, std::string> environment = {
      {"LD_PRELOAD", PreloadLibrary() + " " + libraries},
      {"EARLY_ADDRESS", "127.0.0.1"},
      {"EARLY_PORT", server.port()}};
  if (keep_environment) environment["EARLY_KEEP"] = "1";
  return gated.RunProgram({Sandboxee("connect_tcp"), "127.0.0.1", server.port()}, environment);
}

TEST_CASE("The gate knows its session before any other library can scrub the environment") {
  Loopback server(kTcp);
  Gated gated({server.number()});
  const std::string early = BuildPath("lib/libsandboxee_early_connect.so");
  CHECK(RunWithLibraries(gated, early, server, false).out ==
        "library: OK\nconnect: OK\npeer: 127.0.0.1\n");
  CHECK(server.Arrived() == 2);
}

TEST_CASE("Before its own constructor the gate reads the environment, and without it denies") {
  Loopback server(kTcp);
  Gated gated({server.number()});
  // The other library takes the gate's place as the first to be constructed.
  const std::string libraries =
      BuildPath("lib/libsandboxee_early_connect.so") + " " + BuildPath("lib/libsandboxee_first.so");
  CHECK(RunWithLibraries(gated, libraries, server, true).out ==
        "library: OK\nconnect: OK\npeer: 127.0.0.1\n");
  const Outcome scrubbed = RunWithLibraries(gated, libraries, server, false);
  CHECK(Count(scrubbed.out, "library: EACCES\n") == 1);
}

TEST_CASE("A program that throws its environment away keeps its gate and cannot name another") {
  Loopback allowed(kTcp);
  Loopback denied(kTcp);
  Gated gated({allowed.number()});
  CHECK(gated.Run("scrubbed_environment", {"127.0.0.1", allowed.port()}).out == "connect: OK\n");
  const Outcome outcome = gated.Run("scrubbed_environment", {"127.0.0.1", denied.port()});
  CHECK(outcome.out == "connect: EACCES\n");
  CHECK(outcome.err == kDenial);
}

TEST_CASE("A forked child is gated and tells its own denials") {
  Loopback denied(kTcp);
  Gated gated;
  const Outcome outcome = gated.Run("connect_fork", {"127.0.0.1", denied.port()});
  CHECK(outcome.out == "parent: EACCES\nchild: EACCES\n");
  CHECK(outcome.err == std::string(kDenial) + kDenial);
  CHECK(gated.asked().size() == 2);
}

TEST_CASE("A vfork child is gated without harm to its parent") {
  Loopback allowed(kTcp);
  Loopback denied(kTcp);
  Gated gated({allowed.number()});
  CHECK(gated.Run("connect_vfork", {"127.0.0.1", allowed.port()}).out ==
        "child: OK\nparent: EISCONN\n");
  CHECK(gated.Run("connect_vfork", {"127.0.0.1", denied.port()}).out ==
        "child: EACCES\nparent: EACCES\n");
}

TEST_CASE("A signal handler on a small stack is gated") {
  Loopback allowed(kTcp);
  Loopback denied(kTcp);
  Gated gated({allowed.number()});
  CHECK(gated.Run("connect_signal_handler", {"127.0.0.1", allowed.port()}).out == "handler: OK\n");
  CHECK(gated.Run("connect_signal_handler", {"127.0.0.1", denied.port()}).out ==
        "handler: EACCES\n");
}

TEST_CASE("Signals do not turn into denials while the gate service thinks") {
  Loopback server(kUdp);
  Gated gated([](const GateRequest&) {
    // The condition tried is time itself: long enough for many signals.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return std::optional(AllowReply());
  });
  CHECK(gated.Run("connect_interrupted", {"127.0.0.1", server.port()}).out ==
        "connect: OK\nsignals: some\n");
}

TEST_CASE("Two thousand threads that connect at once each get their own verdict") {
  Loopback allowed(kUdp);
  Loopback denied(kUdp);
  Gated gated({allowed.number()});
  const Outcome outcome = gated.Run(
      "connect_threads", {"127.0.0.1", allowed.port(), "127.0.0.1", denied.port(), "2000"});
  CHECK(outcome.out == "first: 1000 ok, 0 denied, 0 other\nsecond: 0 ok, 1000 denied, 0 other\n");
  CHECK(outcome.err == kDenial);
  CHECK(gated.asked().size() == 2000);
}

TEST_CASE("No descriptor is left open, whatever the verdict") {
  Loopback allowed(kUdp);
  Loopback denied(kUdp);
  Gated gated({allowed.number()});
  CHECK(gated.Run("descriptors", {"127.0.0.1", allowed.port()}).out ==
        "connect: OK\ndescriptors: same\n");
  CHECK(gated.Run("descriptors", {"127.0.0.1", denied.port()}).out ==
        "connect: EACCES\ndescriptors: same\n");
}

// Denied, with a line on stderr that gives the reason, and nobody reached.
void CheckDenies(const Gated& gated, const std::string& reason,
                 const std::map<std::string, std::string>& environment = {},
                 const std::string& sandboxee = "connect_tcp") {
  Loopback server(kTcp);
  const Outcome outcome = gated.Run(sandboxee, {"127.0.0.1", server.port()}, environment);
  CHECK(outcome.out == "connect: EACCES\n");
  CHECK(outcome.err == "namegate: denied 127.0.0.1:" + server.port() + ": " + reason + "\n");
  CHECK(server.Arrived() == 0);
}

Gated Answering(const std::string& bytes) {
  return Gated([bytes](const GateRequest&) { return std::optional(bytes); });
}

// An allowing answer with one of its bytes changed.
std::string Corrupt(size_t offset, char value) {
  std::string reply = AllowReply();
  reply[offset] = value;
  return reply;
}

std::string NotAVerdict(const Gated& gated) {
  return "the gate service at " + gated.path() + " gave an answer that is not a verdict";
}

std::string NoAnswer(const std::string& path, const std::string& code) {
  return "the gate service at " + path + " does not answer (" + code + ")";
}

TEST_CASE("Without NAMEGATE_SOCKET everything is denied") {
  CheckDenies(Gated(), "NAMEGATE_SOCKET is not set, so there is nobody to ask",
              {{"NAMEGATE_SOCKET", ""}});
}

TEST_CASE("With a NAMEGATE_SOCKET that no socket can have everything is denied") {
  CheckDenies(Gated(), "NAMEGATE_SOCKET is too long for a socket's path",
              {{"NAMEGATE_SOCKET", "/" + std::string(107, 'x')}});
}

TEST_CASE("An absent gate service denies") {
  Gated gated;
  const std::string path = gated.dir().File("absent.sock");
  CheckDenies(gated, NoAnswer(path, "ENOENT"), {{"NAMEGATE_SOCKET", path}});
}

TEST_CASE("A gate service that died denies") {
  Gated gated;
  const std::string path = gated.dir().File("dead.sock");
  // Its socket is still there: nobody removed it.
  const std::string hidden = gated.dir().File("kept.sock");
  {
    GateService dead(path, nullptr);
    REQUIRE(link(path.c_str(), hidden.c_str()) == 0);
  }
  CheckDenies(gated, NoAnswer(hidden, "ECONNREFUSED"), {{"NAMEGATE_SOCKET", hidden}});
}

TEST_CASE("A gate service that hangs up denies") {
  const Gated gated = Answering("");
  CheckDenies(gated, NoAnswer(gated.path(), "ECONNRESET"));
}

TEST_CASE("A gate service whose answer has the wrong size denies") {
  for (const std::string& bytes : {AllowReply().substr(0, 255), AllowReply() + "x",
                                   AllowReply().substr(0, 9), std::string(60000, '\1')}) {
    CAPTURE(bytes.size());
    const Gated gated = Answering(bytes);
    CheckDenies(gated, NotAVerdict(gated));
  }
}

TEST_CASE("A gate service whose answer has a wrong magic, version or size field denies") {
  for (const size_t offset :
       {offsetof(GateReply, magic), offsetof(GateReply, version), offsetof(GateReply, size) + 1}) {
    CAPTURE(offset);
    const Gated gated = Answering(Corrupt(offset, '\7'));
    CheckDenies(gated, NotAVerdict(gated));
  }
}

TEST_CASE("A verdict that is neither allow nor deny denies") {
  const Gated gated = Answering(Corrupt(offsetof(GateReply, verdict), '\2'));
  Loopback server(kTcp);
  CHECK(gated.Run("connect_tcp", {"127.0.0.1", server.port()}).out == "connect: EACCES\n");
  CHECK(server.Arrived() == 0);
}

TEST_CASE("A silent gate service denies after some seconds") {
  const Gated gated([](const GateRequest&) { return std::optional<std::string>(); });
  const auto start = std::chrono::steady_clock::now();
  CheckDenies(gated, NoAnswer(gated.path(), "ETIMEDOUT"));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(15));
}

TEST_CASE("Signals do not keep a silent gate service's denial away") {
  const Gated gated([](const GateRequest&) { return std::optional<std::string>(); });
  Loopback server(kUdp);
  CHECK(gated.Run("connect_interrupted", {"127.0.0.1", server.port()}).out ==
        "connect: EACCES\nsignals: some\n");
}

TEST_CASE("A process without a descriptor left is denied") {
  const Gated gated;
  CheckDenies(gated, NoAnswer(gated.path(), "EMFILE"), {}, "no_descriptors");
}

}  // namespace
}  // namespace namegate::testing
