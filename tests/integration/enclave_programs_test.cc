// Programs that people use, where they are installed, against servers in the little internet.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

using Catch::Contains;

// Serves one answer to whatever it is asked.
void AnswerHello(int connection) {
  char request[4096];
  if (recv(connection, request, sizeof request, 0) <= 0) return;
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";
  send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
}

std::string Url(const std::string& host, const std::string& port) {
  return "http://" + host + ":" + port + "/";
}

TEST_CASE_METHOD(EnclaveFixture,
                 "A reverse proxy inside, which watches before it connects, passes on") {
  NeedPrograms({"nginx", "curl"});
  const TcpServer server(kHost, AnswerHello);
  const TcpServer denied(kOther, AnswerHello);
  // It serves as another user if it may.
  std::filesystem::permissions(directory().path(), std::filesystem::perms(0755));
  const std::string config = directory().File("nginx.conf");
  std::ofstream text(config);
  text << "daemon off; master_process off; pid " << directory().File("pid") << "; error_log "
       << directory().File("errors") << "; events {} http { access_log off;";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    text << kind << "_temp_path " << directory().File(kind) << ";";
  }
  text << "server { listen unix:" << directory().File("front")
       << "; location /allowed { proxy_pass " << Url(kHost, server.port_text())
       << "; } location /denied { proxy_pass " << Url(kOther, denied.port_text()) << "; } } }";
  text.close();
  const std::string ask =
      "curl -s -m 20 -w '%{http_code}\\n' --unix-socket " + directory().File("front");
  const Outcome outcome =
      Run({std::string(kHost) + ":" + server.port_text()},
          {"sh", "-c",
           "nginx -e " + directory().File("early") + " -c " + config + " & until test -S " +
               directory().File("front") + "; do kill -0 $! || exit; done; " + ask +
               " http://x/allowed; " + ask + " -o /dev/null http://x/denied; kill $!"});
  INFO(outcome.err);
  CHECK(outcome.out == "hello\n200\n502\n");
  CHECK(denied.accepted() == 0);
}

TEST_CASE_METHOD(EnclaveFixture, "A client in Go, many requests at a time, has its answers") {
  NeedPrograms({"hey"});
  const TcpServer server(kHost, AnswerHello);
  const Outcome outcome = Run({std::string(kHost) + ":" + server.port_text()},
                              {"hey", "-n", "100", "-c", "20", Url(kHost, server.port_text())});
  CHECK_THAT(outcome.out, Contains("[200]\t100 responses"));
}

TEST_CASE_METHOD(EnclaveFixture, "QUIC goes to where a UDP rule says, and is refused elsewhere") {
  const std::string server_program = "/usr/sbin/gtlsserver";
  NeedPrograms({"gtlsclient", server_program, "openssl"});
  const std::string content = directory().File("content");
  const std::string received = directory().File("received");
  std::filesystem::create_directory(content);
  std::filesystem::create_directory(received);
  std::ofstream(content + "/file") << std::string(1'000'000, 'q');
  const std::string key = directory().File("key.pem");
  const std::string certificate = directory().File("certificate.pem");
  REQUIRE(testing::Run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                        "-subj", "/CN=a.example"})
              .status == 0);
  const std::string port = ClosedPort(kHost);
  Process server({server_program, "-q", "-d", content, kHost, port, key, certificate});
  const Words client = {"gtlsclient",
                        "-q",
                        "--exit-on-all-streams-close",
                        "--handshake-timeout=5s",
                        "--download",
                        received,
                        kHost,
                        port,
                        "https://" + std::string(kHost) + ":" + port + "/file"};
  Run({std::string(kHost) + ":" + port + "/udp"}, client);
  CHECK(std::filesystem::exists(received + "/file"));
  std::error_code ignored;
  CHECK(std::filesystem::file_size(received + "/file", ignored) == 1'000'000);
  std::filesystem::remove(received + "/file");
  Run({}, client);
  CHECK_FALSE(std::filesystem::exists(received + "/file"));
  CHECK_THAT(Rows("protocol, verdict"), Contains("udp|allow\n") && Contains("udp|deny\n"));
}

TEST_CASE_METHOD(EnclaveFixture, "A client in Java, whose sockets are IPv6 ones, has its answer") {
  NeedPrograms({"java", "javac"});
  const TcpServer server(kHost, AnswerHello);
  const std::string source = directory().Write("Fetch.java", R"(
import java.net.URI;
import java.net.http.*;
public class Fetch {
  static String fetch(String url) {
    try {
      final var request = HttpRequest.newBuilder(URI.create(url)).build();
      return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    } catch (java.net.ConnectException e) {
      return "refused\n";
    } catch (Exception e) {
      return e + "\n";
    }
  }
  public static void main(String[] urls) {
    for (final String url : urls) System.out.print(fetch(url));
  }
})");
  const Outcome outcome = Run({"a.example:" + server.port_text()},
                              {"java", source, Url("a.example", server.port_text()),
                               Url(kOther, server.port_text()), Url("b.example", "80")});
  INFO(outcome.err);
  CHECK(outcome.out == "hello\nrefused\nrefused\n");
  CHECK(Ask("SELECT DISTINCT name, address, verdict FROM connections") ==
        "a.example|203.0.113.1|allow\n-|203.0.113.2|deny\n");
}

// The directory of PostgreSQL's server programs, the newest of them; Debian does not have them on
// the PATH.
std::string PostgresPrograms() {
  if (HaveProgram("initdb")) return "";
  std::string newest;
  std::error_code ignored;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
    newest = std::max(newest, version.path().string() + "/bin/");
  }
  return newest;
}

TEST_CASE_METHOD(EnclaveFixture, "psql asks a database that a rule names, and reaches no other") {
  const std::string programs = PostgresPrograms();
  NeedPrograms({"psql", "unshare", programs + "initdb", programs + "postgres"});
  const std::string data = directory().File("data");
  std::filesystem::create_directory(data);
  // Its server refuses to be root. So called otherwise, he still reaches what only root does.
  Words as_user;
  if (geteuid() == 0) as_user = {"unshare", "--user", "--map-user=65534", "--map-group=65534"};
  const Outcome made =
      testing::Run(as_user + Words{programs + "initdb", "--pgdata", data, "--username", "tester",
                                   "--no-sync", "--auth", "trust"});
  INFO(made.out << made.err);
  REQUIRE(made.status == 0);
  std::ofstream(data + "/pg_hba.conf") << "host all all 0.0.0.0/0 trust\n";
  const std::string port = ClosedPort(kHost);
  Process server(as_user + Words{programs + "postgres", "-D", data, "-h", kHost, "-p", port, "-c",
                                 "unix_socket_directories="});
  REQUIRE(server.WaitForError("ready to accept connections"));
  const auto ask = [&](const std::string& host) {
    return Run({"a.example:" + port},
               {"psql", "--host", host, "--port", port, "--username", "tester", "--no-psqlrc",
                "--tuples-only", "--no-align", "--command", "SELECT 6 * 7", "postgres"});
  };
  const Outcome allowed = ask("a.example");
  INFO(allowed.err);
  CHECK(allowed.out == "42\n");
  const Outcome denied = ask(kOther);
  CHECK(denied.status == 2);
  CHECK_THAT(denied.err, Contains("denied") || Contains("refused"));
  CHECK(Rows("name, address, verdict") == "a.example|203.0.113.1|allow\n-|203.0.113.2|deny\n");
}

}  // namespace
}  // namespace namegate::testing
