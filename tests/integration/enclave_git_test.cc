// git inside, over both transports by which people fetch: a repository on a host of the little
// internet is cloned by name, and that of another host is out of reach.

#include <catch2/catch.hpp>

#include "tests/integration/enclave_fixture.h"
#include "tests/integration/enclave_internet.h"
#include "tests/support/skip.h"

namespace namegate::testing {
namespace {

class GitFixture : public EnclaveFixture {
 public:
  GitFixture() {
    NeedPrograms({"git"});
    // Each step as a user would take it, with nothing of this machine's own settings.
    const Outcome made = Shell(
        "git init -q work && cd work && echo content > file && git add file && "
        "git -c user.name=n -c user.email=e@a.example commit -q -m first && cd .. && "
        "git clone -q --bare work bare.git && git -C bare.git update-server-info");
    INFO(made.err);
    REQUIRE(made.status == 0);
  }

  Outcome Shell(const std::string& script) const {
    return testing::Run({"sh", "-c", "cd \"$0\" && " + script, directory().path()}, Environment());
  }

  // Clones inside; what was cloned.
  std::string Clone(const Words& allow, const std::string& url, const Words& settings) {
    const std::string target = directory().File("clone" + std::to_string(++clones_));
    Words words = {"git"};
    for (const std::string& setting : settings) words = words + Words{"-c", setting};
    const Outcome cloned =
        testing::Run(RunWords(allow, words + Words{"clone", "-q", url, target}), Environment());
    error_ = cloned.err;
    return Shell("cat " + target + "/file").out;
  }
  const std::string& error() const { return error_; }

 private:
  ProcessOptions Environment() const {
    return {{{"HOME", directory().path()},
             {"GIT_CONFIG_NOSYSTEM", "1"},
             {"GIT_TERMINAL_PROMPT", "0"},
             {"http_proxy", ""},
             {"https_proxy", ""},
             {"HTTPS_PROXY", ""},
             {"ALL_PROXY", ""},
             {"all_proxy", ""},
             {"GIT_SSL_CAINFO", directory().File("certificate.pem")}},
            ""};
  }

  int clones_ = 0;
  std::string error_;
};

TEST_CASE_METHOD(GitFixture, "git clones over https from the host that a rule names, no other") {
  NeedPrograms({"openssl", "python3"});
  const std::string key = directory().File("key.pem");
  const std::string certificate = directory().File("certificate.pem");
  REQUIRE(testing::Run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                        "-subj", "/CN=a.example", "-addext",
                        "subjectAltName=DNS:a.example,DNS:two.example"})
              .status == 0);
  const std::string port = ClosedPort(kHost);
  Process server(
      {"python3", "-c",
       "import functools, http.server, ssl, sys\n"
       "host, port, root, certificate, key = sys.argv[1:]\n"
       "handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)\n"
       "server = http.server.ThreadingHTTPServer((host, int(port)), handler)\n"
       "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
       "context.load_cert_chain(certificate, key)\n"
       "server.socket = context.wrap_socket(server.socket, server_side=True)\n"
       "print('ready', flush=True)\n"
       "server.serve_forever()\n",
       kHost, port, directory().path(), certificate, key});
  REQUIRE(server.WaitForOutput("ready"));
  const std::string path = ":" + port + "/bare.git";
  const std::string cloned = Clone({"a.example:" + port}, "https://a.example" + path, {});
  INFO(error());
  CHECK(cloned == "content\n");
  CHECK(Clone({"a.example:" + port}, "https://two.example" + path, {}).empty());
  CHECK_THAT(error(), Catch::Contains("two.example"));
  CHECK(Ask("SELECT DISTINCT name, verdict FROM connections") == "a.example|allow\n");
  CHECK(
      Ask("SELECT DISTINCT qname, verdict FROM queries WHERE qname LIKE '%.example' ORDER BY 1") ==
      "a.example|allow\ntwo.example|deny\n");
}

TEST_CASE_METHOD(GitFixture, "git clones over ssh from the host that a rule names, no other") {
  NeedRoot("give an SSH server another home directory");
  NeedPrograms({"dropbear", "dropbearkey", "ssh", "ssh-keygen"});
  const Outcome keys = Shell(
      "dropbearkey -t ed25519 -f host >/dev/null 2>&1 && "
      "ssh-keygen -q -t ed25519 -N '' -f user");
  INFO(keys.err);
  REQUIRE(keys.status == 0);
  const std::string port = ClosedPort(kHost);
  // It knows who may come by a file in the home directory of the user's entry in passwd(5).
  Process server({"unshare", "--mount", "sh", "-c",
                  "home=$(getent passwd 0 | cut -d: -f6) && cd \"$1\" && "
                  "mount -t tmpfs -o mode=0700 none \"$home\" && mkdir -m 0700 \"$home/.ssh\" && "
                  "cp user.pub \"$home/.ssh/authorized_keys\" && "
                  "exec dropbear -F -E -s -r host -P pid -p \"$2\"",
                  "sh", directory().path(), std::string(kHost) + ":" + port});
  REQUIRE(server.WaitForError("Not backgrounding"));
  const Words settings = {"core.sshCommand=ssh -F none -i " + directory().File("user") +
                          " -o BatchMode=yes -o UserKnownHostsFile=/dev/null"
                          " -o StrictHostKeyChecking=no"};
  const std::string path = ":" + port + directory().File("bare.git");
  const std::string cloned = Clone({"a.example:" + port}, "ssh://root@a.example" + path, settings);
  INFO(error());
  CHECK(cloned == "content\n");
  CHECK(Clone({"a.example:" + port}, "ssh://root@" + std::string(kOther) + path, settings).empty());
  CHECK(Rows("name, address, verdict") == "a.example|203.0.113.1|allow\n-|203.0.113.2|deny\n");
}

}  // namespace
}  // namespace namegate::testing
