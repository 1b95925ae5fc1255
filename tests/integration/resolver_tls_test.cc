// DNS over TLS upstream: a real TLS server (socat) with a certificate made by the test (openssl)
// stands in front of the authority.

#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "resolver/upstream_exchange.h"
#include "tests/support/authority.h"
#include "tests/support/daemon.h"
#include "tests/support/dns_client.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

constexpr char kTlsZone[] =
    "a.example.org. 60 IN A 198.51.100.7\n"
    "b.example.org. 60 IN A 198.51.100.8\n"
    "c.example.org. 60 IN A 198.51.100.9\n";

class TlsUpstream {
 public:
  TlsUpstream() : authority_(kTlsZone) {
    const Outcome made =
        Run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=dns.example.org", "-addext",
             "subjectAltName=DNS:dns.example.org,IP:127.0.0.1", "-keyout", directory_.File("key"),
             "-out", certificate()});
    REQUIRE(made.status == 0);
    server_ = std::make_unique<Process>(std::vector<std::string>{
        "socat", "-d", "-d",
        "OPENSSL-LISTEN:0,bind=127.0.0.1,fork,verify=0,cert=" + certificate() +
            ",key=" + directory_.File("key"),
        "TCP:" + authority_.endpoint().ToText()});
    const std::string before_port = "127.0.0.1:";
    REQUIRE(server_->WaitForError(before_port));
    const std::string& log = server_->error();
    port_ = std::stoi(log.substr(log.find(before_port) + before_port.size()));
  }

  TlsUpstream(const TlsUpstream&) = delete;
  TlsUpstream& operator=(const TlsUpstream&) = delete;
  ~TlsUpstream() {
    for (const pid_t pid : stopped_) kill(pid, SIGKILL);
  }

  // From now on nothing comes over the connections that there are, as when a router between has
  // forgotten them: of the server, each is a process.
  void SilenceConnections() {
    const std::string parent = std::to_string(server_->pid());
    std::ifstream children("/proc/" + parent + "/task/" + parent + "/children");
    for (pid_t pid = 0; children >> pid;) {
      kill(pid, SIGSTOP);
      stopped_.push_back(pid);
    }
    REQUIRE_FALSE(stopped_.empty());
  }

  std::string certificate() const { return directory_.File("certificate"); }
  Authority& authority() { return authority_; }

  std::string Address(const std::string& name) const {
    return "tls://127.0.0.1:" + std::to_string(port_) + (name.empty() ? "" : "@" + name);
  }

  // The daemon's options: this upstream, and its certificate as the only authority there is.
  DaemonOptions Options(const std::string& name) const {
    DaemonOptions options;
    options.arguments = {"--upstream", Address(name)};
    options.environment = {{"SSL_CERT_FILE", certificate()}, {"SSL_CERT_DIR", "/nonexistent"}};
    return options;
  }

 private:
  TempDir directory_;
  Authority authority_;
  std::unique_ptr<Process> server_;
  int port_ = 0;
  std::vector<pid_t> stopped_;
};

TEST_CASE("Names are resolved over TLS, all over one connection that is kept") {
  TlsUpstream upstream;
  Daemon daemon(upstream.Options("dns.example.org"));
  REQUIRE(daemon.readiness() == "ready");
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").data() ==
        std::vector<std::string>{"198.51.100.7"});
  CHECK(Ask(session.nameserver, "b.example.org").data() ==
        std::vector<std::string>{"198.51.100.8"});
  const auto seen = upstream.authority().seen();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].tcp);
  CHECK(seen[0].client_port == seen[1].client_port);
}

TEST_CASE("Questions asked at one moment share the connection and get each its own answer") {
  TlsUpstream upstream;
  Daemon daemon(upstream.Options("dns.example.org"));
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  const UdpClient client(session.nameserver);
  for (uint16_t id = 1; id <= 3; ++id) {
    const std::string name(1, static_cast<char>('a' + id - 1));
    client.Send(
        MakeQuery(name + ".example.org", "A", {.id = id, .udp_payload = 1232, .dns_class = "IN"}));
  }
  std::map<uint16_t, std::string> answers;
  for (int i = 0; i < 3; ++i) {
    const auto reply = client.Receive();
    REQUIRE(reply);
    answers[reply->id] = reply->data().at(0);
  }
  CHECK(answers == std::map<uint16_t, std::string>{
                       {1, "198.51.100.7"}, {2, "198.51.100.8"}, {3, "198.51.100.9"}});
}

TEST_CASE("A certificate for the upstream's address serves where no name is given") {
  TlsUpstream upstream;
  Daemon daemon(upstream.Options(""));
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
}

TEST_CASE("A certificate for another name is refused, nothing is asked, and status says why") {
  TlsUpstream upstream;
  Daemon daemon(upstream.Options("other.example.org"));
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  const Reply reply = Ask(session.nameserver, "a.example.org");
  CHECK(reply.rcode == "SERVFAIL");
  CHECK(reply.ede == 23);
  CHECK(upstream.authority().seen().empty());
  CHECK(daemon.Rows("SELECT reason FROM queries") == std::vector<std::string>{"upstream-invalid"});
  const auto status = daemon.control().Call({{"command", "status"}});
  REQUIRE(status);
  CHECK_THAT(status.value()["status"]["upstreams"][0]["trouble"].get<std::string>(),
             Contains("certificate is not accepted"));
}

TEST_CASE("A certificate that no authority vouches for is refused") {
  TlsUpstream upstream;
  DaemonOptions options = upstream.Options("dns.example.org");
  options.environment["SSL_CERT_FILE"] = "/dev/null";
  Daemon daemon(std::move(options));
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "SERVFAIL");
  CHECK(upstream.authority().seen().empty());
}

TEST_CASE("An upstream that has closed the connection is connected to anew, without a failure") {
  TlsUpstream upstream;
  Daemon daemon(upstream.Options("dns.example.org"));
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  upstream.authority().CloseConnections();
  CHECK(Ask(session.nameserver, "b.example.org").rcode == "NOERROR");
  const auto seen = upstream.authority().seen();
  CHECK(seen.front().client_port != seen.back().client_port);
}

TEST_CASE("A connection over which nothing comes any more is given up for another") {
  TlsUpstream upstream;
  Daemon daemon(upstream.Options("dns.example.org"));
  const TestSession session = daemon.OpenSession({"*.example.org:443"});
  CHECK(Ask(session.nameserver, "a.example.org").rcode == "NOERROR");
  upstream.SilenceConnections();
  CHECK(Ask(session.nameserver, "b.example.org").data() ==
        std::vector<std::string>{"198.51.100.8"});
  const auto seen = upstream.authority().seen();
  CHECK(seen.front().client_port != seen.back().client_port);
  CHECK(daemon.Rows("SELECT reason FROM queries ORDER BY id") ==
        std::vector<std::string>{"rule", "rule"});
}

// IDs are random, so among many questions some share one.
TEST_CASE("Two questions under one ID get each its own answer, whichever comes first") {
  TlsUpstream upstream;
  upstream.authority().Hold("a.example.org");
  setenv("SSL_CERT_FILE", upstream.certificate().c_str(), 1);
  uv_loop_t loop;
  uv_loop_init(&loop);
  {
    const resolver::ExchangeEntropy same = {[] { return uint16_t{7}; },
                                            resolver::ExchangeEntropy::kFull.question};
    resolver::UpstreamServer server;
    server.address = UpstreamAddress::FromText(upstream.Address("dns.example.org")).value();
    server.tls = std::make_unique<resolver::TlsChannel>(&loop, server.address);
    std::vector<std::string> answers;
    const auto ask = [&](const std::string& name) {
      return std::make_unique<resolver::UpstreamExchange>(
          &loop, server, resolver::Question{DomainName::FromText(name).value(), 1}, 60'000,
          [&](const resolver::UpstreamExchange::Outcome& outcome) {
            REQUIRE(outcome.response);
            answers.push_back(outcome.response->qname.ToText());
            upstream.authority().Release("a.example.org");
          },
          same);
    };
    const auto held = ask("a.example.org");
    const auto quick = ask("b.example.org");
    while (answers.size() < 2) uv_run(&loop, UV_RUN_ONCE);
    CHECK(answers == std::vector<std::string>{"b.example.org", "a.example.org"});
  }
  uv_run(&loop, UV_RUN_DEFAULT);  // until the handles are closed
  CHECK(uv_loop_close(&loop) == 0);
}

TEST_CASE("A server that does not speak TLS is no upstream") {
  const Authority plain(kTlsZone);
  DaemonOptions options;
  options.arguments = {"--upstream", "tls://" + plain.endpoint().ToText() + "@dns.example.org"};
  Daemon daemon(std::move(options));
  const TestSession session = daemon.OpenSession({"a.example.org:443"});
  const Reply reply = Ask(session.nameserver, "a.example.org");
  CHECK(reply.rcode == "SERVFAIL");
  CHECK(plain.seen().empty());
}

}  // namespace
}  // namespace namegate::testing
