// session open, list, show, close and status, with a real daemon.

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/integration/command_harness.h"
#include "tests/support/authority.h"
#include "tests/support/daemon.h"

namespace namegate {
namespace {

using Catch::Contains;
using nlohmann::json;
using testing::BuildPath;
using testing::Daemon;
using testing::Joined;
using testing::Outcome;
using testing::Words;

// A daemon, and the command pointed at it.
class Host {
 public:
  Daemon& daemon() { return daemon_; }

  Outcome Namegate(const Words& words) {
    const Words all = Joined({BuildPath("bin/namegate")}, words);
    return testing::Run(Joined(all, {"--state-dir", daemon_.paths().directory()}));
  }

  // Opens a session on an address of the test's own; fails the test if that does not work.
  json Open(const Words& options) {
    const Words words = Joined({"session", "open", "--json", "--listen"},
                               Joined({testing::RandomLoopback()}, options));
    const Outcome outcome = Namegate(words);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return json::parse(outcome.out);
  }

 private:
  testing::Authority authority_;
  Daemon daemon_{authority_.endpoint()};
};

TEST_CASE("session open prints what to paste, and the session is there") {
  Host host;
  const std::string address = testing::RandomLoopback();
  const Outcome outcome = host.Namegate(
      {"session", "open", "--allow", "pypi.org:443", "--label", "mine", "--listen", address});
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.out, Contains("(mine) is open; end it with: namegate session close 1\n"));
  CHECK_THAT(outcome.out, Contains("export LD_PRELOAD=" + BuildPath("lib/libnamegate.so") + "\n"));
  CHECK_THAT(outcome.out,
             Contains("export NAMEGATE_SOCKET=" + host.daemon().paths().gate_directory() + "/"));
  // The address has another port than 53, which resolv.conf cannot express.
  CHECK_THAT(outcome.out, Contains("resolv.conf cannot name a port: ask " + address));
  CHECK_THAT(host.Namegate({"session", "list"}).out, Contains("mine") && Contains(address));
}

TEST_CASE("A shell takes what session open prints as it is") {
  Host host;
  const Outcome opened = host.Namegate({"session", "open", "--listen", testing::RandomLoopback()});
  const Outcome shell = testing::Run(
      {"sh", "-c", ". /dev/stdin && test -S \"$NAMEGATE_SOCKET\" && test -f \"$LD_PRELOAD\""},
      {{}, opened.out});
  CHECK(shell.status == 0);
}

TEST_CASE("session open --json gives the session with its environment") {
  Host host;
  const json session = host.Open({"--allow", "PyPI.org:443", "--allow-private", "db.example:5432"});
  CHECK(session["id"] == 1);
  CHECK(session["environment"]["LD_PRELOAD"] == BuildPath("lib/libnamegate.so"));
  CHECK(session["environment"]["NAMEGATE_SOCKET"] == session["gate_socket"]);
  CHECK(session["rules"].dump().find("pypi.org:443") != std::string::npos);
  CHECK(session["rules"].dump().find("db.example:5432") != std::string::npos);
}

TEST_CASE("A session's rules come from a policy file and the command line together") {
  Host host;
  const testing::TempDir directory;
  const auto file = directory.Write("p.toml",
                                    "version = 1\nallow = [ \"a.example:1\", "
                                    "{ to = \"b.example:2\", expires = 2001-01-01 } ]\n");
  const std::string rules = host.Open({"--policy", file, "--allow", "c.example:3"})["rules"].dump();
  CHECK_THAT(rules, Contains("a.example:1") && Contains("c.example:3"));
  CHECK_THAT(rules, !Contains("b.example"));
}

TEST_CASE("A session is named by its id or its label") {
  Host host;
  const json session = host.Open({"--label", "first", "--allow", "a.example:1"});
  const std::string id = std::to_string(session["id"].get<int64_t>());
  for (const std::string& name : {id, std::string("first")}) {
    const Outcome shown = host.Namegate({"session", "show", name});
    CHECK(shown.status == 0);
    CHECK_THAT(shown.out, Contains("first") && Contains("a.example:1"));
  }
  CHECK(json::parse(host.Namegate({"session", "show", "first", "--json"}).out)["label"] == "first");
  CHECK(host.Namegate({"session", "close", "first"}).status == 0);
  CHECK(json::parse(host.Namegate({"session", "list", "--json"}).out).empty());
  CHECK(host.Namegate({"session", "close", "first"}).status == 1);
  CHECK(host.Namegate({"session", "show", id}).status == 1);
}

TEST_CASE("A label that two sessions have names neither, and the error lists both ids") {
  Host host;
  host.Open({"--label", "twin"});
  host.Open({"--label", "twin"});
  const Outcome outcome = host.Namegate({"session", "close", "twin"});
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, Contains("1, 2"));
  CHECK(json::parse(host.Namegate({"session", "list", "--json"}).out).size() == 2);
}

TEST_CASE("A session that is not there is an error that says how to find those that are") {
  Host host;
  const Outcome outcome = host.Namegate({"session", "show", "nobody"});
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, Contains("'nobody'") && Contains("session list"));
}

TEST_CASE("What the daemon refuses is said in its words, with exit status 1") {
  Host host;
  const std::string address = testing::RandomLoopback();
  CHECK(host.Namegate({"session", "open", "--listen", address}).status == 0);
  const Outcome taken = host.Namegate({"session", "open", "--listen", address});
  CHECK(taken.status == 1);
  CHECK_THAT(taken.err, Contains(address.substr(0, address.find(':'))));
  CHECK(taken.out.empty());
}

TEST_CASE("A label chosen by another client of the daemon cannot drive the terminal") {
  Host host;
  host.daemon().OpenSessionBy(json{{"label", "\x1b[2J\nforged"}});
  for (const Words& words : {Words{"session", "list"}, Words{"session", "show", "1"},
                             Words{"session", "list", "--json"}}) {
    const Outcome outcome = host.Namegate(words);
    CHECK(outcome.status == 0);
    CHECK_THAT(outcome.out, !Contains("\x1b") && !Contains("\nforged"));
  }
}

TEST_CASE("status describes a running daemon, for people and for programs") {
  Host host;
  host.Open({});
  const Outcome text = host.Namegate({"status"});
  CHECK(text.status == 0);
  CHECK_THAT(text.out, Contains(host.daemon().paths().ledger() + " (ok)"));
  const Outcome parsed = host.Namegate({"status", "--json"});
  CHECK(parsed.status == 0);
  const json status = json::parse(parsed.out);
  CHECK(status["running"] == true);
  CHECK(status["sessions"] == 1);
  CHECK(status["pid"] == host.daemon().process().pid());
}

TEST_CASE("status exits with 1 once the daemon is gone") {
  Host host;
  host.daemon().Kill();
  CHECK(host.Namegate({"status"}).status == 1);
}

TEST_CASE("More rules than the daemon would read in one request are refused before it is asked") {
  Host host;
  const testing::TempDir directory;
  const std::string tail = ".some-quite-long-domain-name-that-fills-the-line.example:443";
  std::string file = "version = 1\nallow = [\n";
  for (int i = 0; file.size() < 1'000'000; ++i) file += "\"f" + std::to_string(i) + tail + "\",\n";
  Words words = {"session", "open", "--policy", directory.Write("p.toml", file + "]\n")};
  for (int i = 0; i < 2000; ++i) {
    words = Joined(std::move(words), {"--allow", "a" + std::to_string(i) + tail});
  }
  const Outcome outcome = host.Namegate(words);
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, Contains("too many rules"));
  CHECK(host.Namegate({"status"}).status == 0);
}

}  // namespace
}  // namespace namegate
