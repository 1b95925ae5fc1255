// Programs as they are, each with its own stub resolver, behind a session's name server: told of it
// by /etc/resolv.conf, which each test gives them in a mount namespace of their own.

#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/random.h"
#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/process.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace namegate::testing {
namespace {

using Texts = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

constexpr char kRecords[] = R"(
  www.example.org. 60 IN CNAME web.example.net.
  web.example.net. 60 IN A 192.0.2.7
  here.example.org. 60 IN A 127.0.0.77
  deep.www.lab.example. 60 IN A 192.0.2.9
  intranet. 60 IN A 192.0.2.10
)";
// Each of these is asked about before the name itself, or in place of it.
constexpr char kSearch[] = "search corp.example lab.example example.org\n";
// A try that is not answered costs a stub resolver 5 s, and it tries twice: what takes longer has
// hung.
constexpr std::chrono::seconds kAtOnce{9};

std::string ListenAddress() {
  const uint32_t random = RandomU32();
  return "127." + std::to_string(1 + random % 250) + "." + std::to_string((random >> 8) % 256) +
         "." + std::to_string(1 + (random >> 16) % 250);
}

// A machine whose only name server is a session's.
class Machine {
 public:
  // `options`: further lines of its resolv.conf.
  explicit Machine(const std::string& options = "", Texts allow = {"www.example.org:443"})
      : authority_(kRecords), daemon_(Started(authority_.endpoint())) {
    const std::string address = ListenAddress();
    daemon_.OpenSessionBy({{"allow", allow},
                           {"allow_private", Texts{"here.example.org:1"}},
                           {"listen", address + ":53"}});
    resolv_conf_ = files_.Write("resolv.conf", "nameserver " + address + "\n" + options);
    nsswitch_conf_ = files_.Write("nsswitch.conf", "hosts: dns\n");
  }

  Outcome Run(const Texts& command) {
    Texts whole = {"unshare",
                   "--mount",
                   "sh",
                   "-c",
                   "mount --bind \"$1\" /etc/resolv.conf && mount --bind \"$2\" /etc/nsswitch.conf "
                   "&& shift 2 && exec \"$@\"",
                   "sh",
                   resolv_conf_,
                   nsswitch_conf_};
    whole.insert(whole.end(), command.begin(), command.end());
    return testing::Run(whole);
  }

  Daemon& daemon() { return daemon_; }
  const Authority& authority() const { return authority_; }

 private:
  static Endpoint Started(const Endpoint& upstream) {
    NeedRoot("give programs another resolv.conf, and have port 53");
    return upstream;
  }

  TempDir files_;
  const Authority authority_;
  Daemon daemon_;
  std::string resolv_conf_;
  std::string nsswitch_conf_;
};

// A program that looks a name up; the name is put in the place of "NAME".
struct Client {
  std::string program;
  Texts command;
  bool searches = true;  // it goes through the search list
};

Texts Asking(const Client& client, const std::string& name) {
  Texts command = client.command;
  for (std::string& word : command) {
    if (word == "NAME") word = name;
  }
  return command;
}

void CheckFinds(const Client& client, const std::string& resolv_conf, const std::string& name) {
  INFO(resolv_conf << name);
  Machine machine(resolv_conf);
  const auto begun = Clock::now();
  const Outcome outcome = machine.Run(Asking(client, name));
  CHECK(Clock::now() - begun < kAtOnce);
  CAPTURE(outcome.err);
  CHECK_THAT(outcome.out, Catch::Contains("192.0.2.7"));
  CHECK(machine.daemon().Number(
            "SELECT count(*) > 0 FROM queries WHERE qname = 'www.example.org' AND rcode = 'NOERROR'"
            " AND reason = 'rule'") == 1);
  for (const SeenQuery& query : machine.authority().seen()) CHECK(query.name == "www.example.org");
}

// What every client must be able to do.
void CheckClient(const Client& client) {
  NeedPrograms({client.program});
  CheckFinds(client, "", "www.example.org");
  // As container orchestrators write it: the search list first, for nearly every name.
  CheckFinds(client, kSearch + std::string("options ndots:5\n"), "www.example.org");
  if (client.searches) CheckFinds(client, kSearch, "www");
  // A denied name is known to be missing at once; nothing of it leaves the host.
  Machine machine(kSearch + std::string("options ndots:5\n"));
  const auto begun = Clock::now();
  const Outcome denied = machine.Run(Asking(client, "secret.evil.example"));
  CHECK(Clock::now() - begun < kAtOnce);
  CHECK_THAT(denied.out, !Catch::Contains("192.0.2."));
  CHECK(machine.authority().seen().empty());
  CHECK(
      machine.daemon().Number("SELECT count(*) > 0 FROM denials WHERE what = 'secret.evil.example'"
                              " AND reason = 'not-allowed'") == 1);
}

TEST_CASE("dig finds an allowed name behind a search list, and hears at once of a denied one") {
  CheckClient({"dig", {"dig", "+search", "+short", "NAME"}});
}

TEST_CASE("dig gets its answer with every EDNS option that it can send") {
  NeedPrograms({"dig"});
  CheckFinds({"dig",
              {"dig", "+short", "+nsid", "+cookie", "+subnet=192.0.2.0/24", "+expire", "+keepalive",
               "+padding=128", "+dnssec", "NAME"}},
             "", "www.example.org");
}

TEST_CASE("drill finds an allowed name, and hears at once of a denied one") {
  CheckClient({"drill", {"drill", "NAME"}, false});
}

TEST_CASE("python3, by glibc, finds an allowed name behind a search list") {
  CheckClient({"python3",
               {"python3", "-c",
                "import socket, sys\n"
                "for found in socket.getaddrinfo(sys.argv[1], 443): print(found[4][0])",
                "NAME"}});
}

TEST_CASE("node, by c-ares, finds an allowed name behind a search list") {
  CheckClient({"node",
               {"node", "-e",
                "require('dns').resolve4(process.argv[1], (error, found) =>"
                " console.log(error ? error.code : found.join()))",
                "NAME"},
               false});
}

TEST_CASE("A static musl program finds an allowed name behind a search list") {
  const std::string program = BuildPath("bin/musl_lookup");
  if (access(program.c_str(), X_OK) != 0) Skip("musl-gcc was missing when this was built");
  CheckClient({program, {program, "NAME"}});
}

// musl takes the first name that exists for the one that was meant, as NODATA says of it, and so
// ends its search at an ancestor of an allowed name. A name in full is not searched for.
TEST_CASE("A static musl program's search ends at an ancestor of an allowed name") {
  const std::string program = BuildPath("bin/musl_lookup");
  if (access(program.c_str(), X_OK) != 0) Skip("musl-gcc was missing when this was built");
  const Texts allow = {"www.example.org:443", "deep.www.lab.example:443"};
  Machine machine(kSearch, allow);
  CHECK(machine.Run({program, "www"}).status == 1);
  CHECK(machine.daemon().Rows(
            "SELECT DISTINCT what, reason FROM denials WHERE reason = 'ancestor'") ==
        Texts{"www.lab.example|ancestor"});
  CHECK(machine.Run({program, "www.example.org"}).out == "192.0.2.7\n");
  CHECK(machine.Run({program, "deep.www.lab.example"}).out == "192.0.2.9\n");
  // With the domain that has the name first, the search never comes to the ancestor.
  Machine reordered("search example.org lab.example\n", allow);
  CHECK(reordered.Run({program, "www"}).out == "192.0.2.7\n");
}

// What namegate run writes where the C library would search the host's own domain.
TEST_CASE("A name without a dot is found past a search list of a domain that cannot be") {
  const std::string musl = BuildPath("bin/musl_lookup");
  if (access(musl.c_str(), X_OK) != 0) Skip("musl-gcc was missing when this was built");
  NeedPrograms({"aria2c", "python3"});
  Machine machine("search invalid\n", {"intranet:443"});
  CHECK(machine.Run({musl, "intranet"}).out == "192.0.2.10\n");
  const std::string glibc = "import socket; print(socket.gethostbyname('intranet'))";
  CHECK(machine.Run({"python3", "-c", glibc}).out == "192.0.2.10\n");
  // c-ares, without a connection: the address is denied to nobody here, and leads nowhere.
  const Outcome found =
      machine.Run({"aria2c", "--no-conf", "--max-tries=1", "--connect-timeout=1",
                   "--dir=/nonexistent", "--log=-", "--log-level=info", "http://intranet:1/"});
  CHECK_THAT(found.out, Catch::Contains("intranet -> 192.0.2.10"));
}

TEST_CASE("Java's own DNS client finds an allowed name") {
  NeedPrograms({"javac", "java"});
  const TempDir directory;
  const std::string source = directory.Write("Lookup.java", R"(
    import java.util.Hashtable;
    import javax.naming.Context;
    import javax.naming.directory.InitialDirContext;
    public class Lookup {
      public static void main(String[] arguments) throws Exception {
        var settings = new Hashtable<String, String>();
        settings.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.dns.DnsContextFactory");
        var context = new InitialDirContext(settings);
        System.out.println(context.getAttributes(arguments[0], new String[] {"A"}));
      }
    })");
  REQUIRE(Run({"javac", "-d", directory.path(), source}).status == 0);
  CheckClient({"java", {"java", "-cp", directory.path(), "Lookup", "NAME"}, false});
}

// Its words for a failed lookup, with the server in them, are those of Go's own resolver.
TEST_CASE("A Go program with a resolver of its own finds what is allowed, and hears of the rest") {
  NeedPrograms({"hey"});
  Machine machine(kSearch);
  const auto fetch = [&](const std::string& url) {
    const auto begun = Clock::now();
    const Outcome outcome = machine.Run(
        {"env", "GODEBUG=netdns=go+2", "hey", "-n", "1", "-c", "1", "-disable-keepalive", url});
    CHECK(Clock::now() - begun < kAtOnce);
    CAPTURE(outcome.err);
    return outcome.out + outcome.err;
  };
  CHECK_THAT(fetch("http://here.example.org:1/"), Catch::Contains("127.0.0.77:1"));
  CHECK_THAT(fetch("http://here:1/"), Catch::Contains("127.0.0.77:1"));
  const std::string denied = fetch("http://secret.evil.example:1/");
  CHECK_THAT(denied, Catch::Contains("netGo = true"));
  CHECK_THAT(denied, Catch::Contains("lookup secret.evil.example on 127."));
  CHECK_THAT(denied, Catch::Contains("no such host"));
  CHECK(machine.authority().Count("secret.evil.example") == 0);
}

TEST_CASE("aria2, by c-ares, goes where the answer says") {
  NeedPrograms({"aria2c"});
  Machine machine(kSearch);
  const auto fetch = [&](const std::string& url) {
    const auto begun = Clock::now();
    const Outcome outcome = machine.Run({"aria2c", "--no-conf", "--async-dns=true", "--max-tries=1",
                                         "--dir=/nonexistent", "--log=-", "--log-level=info", url});
    CHECK(Clock::now() - begun < kAtOnce);
    return outcome.out + outcome.err;
  };
  CHECK_THAT(fetch("http://here.example.org:1/"), Catch::Contains("Connecting to 127.0.0.77:1"));
  CHECK_THAT(fetch("http://here:1/"), Catch::Contains("Connecting to 127.0.0.77:1"));
  CHECK_THAT(fetch("http://secret.evil.example:1/"), !Catch::Contains("Connecting to"));
  CHECK(machine.authority().Count("secret.evil.example") == 0);
}

TEST_CASE("curl, by glibc, goes where the answer says") {
  NeedPrograms({"curl"});
  Machine machine(kSearch);
  const Outcome outcome = machine.Run({"curl", "-v", "--max-time", "5", "http://here:1/"});
  CHECK_THAT(outcome.err, Catch::Contains("Trying 127.0.0.77:1"));
  const Outcome denied = machine.Run({"curl", "--max-time", "5", "http://secret.evil.example:1/"});
  CHECK_THAT(denied.err, Catch::Contains("Could not resolve host"));
}

// NXDOMAIN for the ancestor would do for glibc as well; NODATA is what keeps a resolver that heeds
// RFC 8020 from cutting the allowed name off.
TEST_CASE("glibc goes on through its search list past an ancestor of an allowed name") {
  NeedPrograms({"python3"});
  Machine machine(kSearch, {"www.example.org:443", "deep.www.lab.example:443"});
  const std::string program = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))";
  CHECK(machine.Run({"python3", "-c", program, "www"}).out == "192.0.2.7\n");
  CHECK(machine.Run({"python3", "-c", program, "deep.www.lab.example"}).out == "192.0.2.9\n");
  CHECK(machine.daemon().Rows("SELECT DISTINCT rcode, reason FROM queries WHERE qname = "
                              "'www.lab.example' AND qtype = 'A'") == Texts{"NOERROR|ancestor"});
}

}  // namespace
}  // namespace namegate::testing
