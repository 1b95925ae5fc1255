#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "tests/support/authority.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace namegate::testing {

using Words = std::vector<std::string>;

inline Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Hosts of the little internet (enclave_internet.h).
inline constexpr char kHost[] = "203.0.113.1";
inline constexpr char kOther[] = "203.0.113.2";
inline constexpr char kHost6[] = "2001:db8:1::1";

inline const std::string kEverywhere = "0.0.0.0/0:1-65535";
inline const std::string kEverywhere6 = "[::]/0:1-65535";

// A program of tests/sandboxee.
std::string Sandboxee(const std::string& name);

// A Python program that has a connection `s` to that port of kHost, and goes on as `script` says.
Words ConnectedPython(const std::string& script, const std::string& port);

// A Python program, given a FIFO, an address and a port: connects each time the FIFO tells it to,
// and says what came of it; if told "gone", once its device is.
inline constexpr char kConnectOnDemand[] =
    "import socket, sys\n"
    "print('ready', flush=True)\n"
    "while True:\n"
    "    told = open(sys.argv[1]).read()\n"
    "    if told == '': break\n"
    "    while told == 'gone' and len(socket.if_nameindex()) > 1: pass\n"
    "    s = socket.socket(); s.settimeout(20)\n"
    "    print('connect', s.connect_ex((sys.argv[2], int(sys.argv[3]))), flush=True)\n";

// `namegate run`, whose default gate is the enclave, in a little internet of the test's own and
// with a state directory of its own. a.example is kHost and kHost6, two.example 203.0.113.3 and
// kHost, local.example 127.0.0.5.
class EnclaveFixture {
 public:
  EnclaveFixture();

  std::string state_dir() const { return directory_.File("state"); }
  const TempDir& directory() const { return directory_; }

  // namegate `words` --state-dir STATE_DIR
  Words Namegate(const Words& words) const;
  // Of the name server that knows these names.
  std::string upstream() const { return authority_->endpoint().ToText(); }

  // namegate run --quiet --allow-private RULE... -- COMMAND
  Words RunWords(const Words& allow, const Words& command) const;
  Outcome Run(const Words& allow, const Words& command) const;

  // The relay of a `namegate run` whose command has started.
  static pid_t RelayOf(const Process& run);

  // True once the process waits for something, which one that spins never does.
  static bool ComesToRest(pid_t process);
  // The daemon that serves the sessions.
  pid_t DaemonOf() const;

  // Columns of `connections` joined by '|', a row a line.
  std::string Rows(const std::string& columns) const;
  // The same of any query.
  std::string Ask(const std::string& sql) const;

 private:
  Result<std::string> TryToAsk(const std::string& sql) const;

  TempDir directory_;
  std::unique_ptr<Authority> authority_;
};

}  // namespace namegate::testing
