// Programs that people use, behind libnamegate.so: what is allowed works, what is denied says so.

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/integration/preload_fixture.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

constexpr char kContent[] = "content of the page\n";

constexpr char kServerScript[] = R"(
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
with open(sys.argv[2], "w") as file:
    file.write(str(server.server_address[1]))
print("ready", flush=True)
server.serve_forever()
)";

// A web server on loopback, not gated, that serves a directory.
class WebServer {
 public:
  WebServer() : process_({"python3", "-c", kServerScript, dir_.File("served"), dir_.File("port")}) {
    std::filesystem::create_directory(dir_.File("served"));
    dir_.Write("served/page", kContent);
    ready_ = process_.WaitForOutput("ready");
  }

  bool ready() const { return ready_; }
  std::string served() const { return dir_.File("served"); }
  std::string port() const { return ReadFile(dir_.File("port")); }
  uint16_t number() const { return static_cast<uint16_t>(std::stoi(port())); }
  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + port() + "/" + path;
  }

 private:
  TempDir dir_;
  Process process_;
  bool ready_ = false;
};

// The machine's own proxies and settings stay out of it.
std::map<std::string, std::string> PlainEnvironment(const Gated& gated) {
  return {{"http_proxy", ""},
          {"HTTP_PROXY", ""},
          {"all_proxy", ""},
          {"ALL_PROXY", ""},
          {"no_proxy", "*"},
          {"HOME", gated.dir().path()},
          {"GIT_CONFIG_NOSYSTEM", "1"},
          {"GIT_TERMINAL_PROMPT", "0"}};
}

// Runs `command` once where the server is allowed, once where it is denied.
struct BothWays {
  BothWays(const WebServer& server, const std::vector<std::string>& command)
      : allowing({server.number()}),
        allowed(allowing.RunProgram(command, PlainEnvironment(allowing))),
        denied(denying.RunProgram(command, PlainEnvironment(denying))) {}

  Gated allowing;
  Gated denying;
  Outcome allowed;
  Outcome denied;
};

void CheckAllowed(const Gated& gated, const Outcome& outcome) {
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(Count(outcome.out, kContent) == 1);
  CHECK(Count(outcome.err, "namegate:") == 0);
  CHECK(!gated.asked().empty());
}

void CheckDenied(const Gated& gated, const Outcome& outcome) {
  INFO(outcome.err);
  CHECK(outcome.status != 0);
  CHECK(Count(outcome.out, kContent) == 0);
  CHECK(Count(outcome.err, kDenial) == 1);
  CHECK(!gated.asked().empty());
}

void CheckBothWays(const BothWays& runs) {
  CheckAllowed(runs.allowing, runs.allowed);
  CheckDenied(runs.denying, runs.denied);
}

TEST_CASE("curl fetches a page where it may, and says that it could not connect where not") {
  NeedPrograms({"curl", "python3"});
  const WebServer server;
  REQUIRE(server.ready());
  const BothWays runs(server, {"curl", "-sS", server.Url("page")});
  CheckBothWays(runs);
  CHECK(runs.denied.status == 7);  // CURLE_COULDNT_CONNECT
}

TEST_CASE("python3 gets PermissionError for a denied connection") {
  NeedPrograms({"python3"});
  const WebServer server;
  REQUIRE(server.ready());
  const BothWays runs(server, {"python3", "-c",
                               "import sys, urllib.request\n"
                               "print(urllib.request.urlopen(sys.argv[1]).read().decode(), end='')",
                               server.Url("page")});
  CheckBothWays(runs);
  CHECK(Count(runs.denied.err, "PermissionError") > 0);
}

TEST_CASE("node gets EACCES for a denied connection") {
  NeedPrograms({"node", "python3"});
  const WebServer server;
  REQUIRE(server.ready());
  const BothWays runs(server, {"node", "-e",
                               "require('http').get(process.argv[1], response => {"
                               "  response.pipe(process.stdout);"
                               "}).on('error', error => { console.error(error.code);"
                               "  process.exit(1); })",
                               server.Url("page")});
  CheckBothWays(runs);
  CHECK(Count(runs.denied.err, "EACCES") > 0);
}

TEST_CASE("java, which speaks IPv6 sockets for IPv4, is gated by the IPv4 address") {
  NeedPrograms({"java", "python3"});
  if (Count(Run({"java", "--list-modules"}).out, "jdk.compiler") == 0) {
    Skip("java here has no compiler");
  }
  const WebServer server;
  REQUIRE(server.ready());
  const TempDir dir;
  const std::string source = dir.Write("Fetch.java", R"(
public class Fetch {
  public static void main(String[] arguments) throws Exception {
    new java.net.URL(arguments[0]).openStream().transferTo(System.out);
  }
}
)");
  const BothWays runs(server, {"java", "-Xint", source, server.Url("page")});
  CheckBothWays(runs);
  CHECK(Count(runs.denied.err, "Permission denied") > 0);
  CHECK(runs.denying.asked().front() == "connect 127.0.0.1:" + server.port());
}

TEST_CASE("bash's own sockets are gated") {
  NeedPrograms({"bash", "python3"});
  const WebServer server;
  REQUIRE(server.ready());
  const BothWays runs(server, {"bash", "-c",
                               "set -e; exec 3<>/dev/tcp/127.0.0.1/$0\n"
                               "printf 'GET /page HTTP/1.0\\r\\n\\r\\n' >&3\n"
                               "while read -r line <&3; do echo \"$line\"; done",
                               server.port()});
  CheckBothWays(runs);
}

constexpr char kRepositoryScript[] = R"(
set -e
export HOME="$0" GIT_CONFIG_NOSYSTEM=1
git init -q "$0/work"
cd "$0/work"
printf '%s' "$2" > page
git add page
git -c user.name=t -c user.email=t@example.org commit -qm first
git clone -q --bare . "$1/repository.git"
cd "$1/repository.git"
git update-server-info
)";

constexpr char kCloneScript[] = R"(
rm -rf "$1/clone"
git clone -q "$0" "$1/clone" && cat "$1/clone/page"
)";

TEST_CASE("git clones over HTTP where it may, its helper programs gated like itself") {
  NeedPrograms({"git", "python3"});
  const WebServer server;
  REQUIRE(server.ready());
  const TempDir dir;
  const Outcome prepared =
      Run({"sh", "-c", kRepositoryScript, dir.path(), server.served(), kContent});
  REQUIRE(prepared.status == 0);
  const BothWays runs(server, {"sh", "-c", kCloneScript, server.Url("repository.git"), dir.path()});
  CheckBothWays(runs);
}

constexpr char kAcceptScript[] = R"(
import os, socket
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
client = 'import socket, sys; socket.create_connection(tuple(sys.argv[1:]))'
port = str(server.getsockname()[1])
os.spawnvpe(os.P_WAIT, "python3", ["python3", "-c", client, "127.0.0.1", port], environment)
server.accept()
print("accepted")
)";

TEST_CASE("A gated server accepts connections without asking anybody") {
  NeedPrograms({"python3"});
  Gated gated;
  CHECK(gated.RunProgram({"python3", "-c", kAcceptScript}).out == "accepted\n");
  CHECK(gated.asked().empty());
}

}  // namespace
}  // namespace namegate::testing
